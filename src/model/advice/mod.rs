//! Advice about lasers and filters, from the spectra alone: names dyes that a channel sees badly,
//! and proposes better filters.
//!
//! A filter or laser is judged only where it is meant for a dye. That is the case for the channel
//! in which the dye is brightest, and for the channel whose laser excites the dye best if no other
//! dye is brighter there. Crosstalk, and channels that split one dye's emission between them, are
//! not faulted.

use super::ChannelModel;
use crate::config::Config;
use crate::optics::fluorophore::{Fluorophore, Photons};

/// Step in nm of the edges of proposed filters, and their least distance from the laser.
const GRID_NM: f64 = 10.0;

/// Widest filter that is proposed, in nm: a common width of emission filters.
const WIDEST_NM: f64 = 100.0;

/// Part of a dye's emission below which a filter may be a mistake, even with the peak inside.
const POOR_EMISSION: f64 = 1.0 / 3.0;

/// Part of the best filter's emission that counts as equally good.
const NEARLY: f64 = 0.98;

/// Least ratio of the emission through a proposed filter to the emission through the present one.
const WORTHWHILE: f64 = 1.5;

/// Excitation, relative to the maximum, below which a laser is reported.
const POOR_EXCITATION: f64 = 0.1;

/// Least part of the light of the best laser and of the best filter of the same width that a
/// channel's brightest dye must give; below it the channel suits no dye.
const CROSSTALK: f64 = 0.01;

/// Filter, and the part of a dye's emission that it passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct FilterBand {
    pub(super) nm: [f64; 2],
    pub(super) emission: f64,
}

/// Finds the filter to propose for a dye in place of `filter_nm`: as wide (in whole tens of nm, at
/// most 100), with edges on whole tens of nm, at least 10 nm off the laser, and passing as much of
/// the emission as any such filter can. Of those that pass nearly the most it takes the one that
/// shifts the filter least. Returns `None` where none passes anything.
pub(super) fn best_band(
    dye: &Fluorophore,
    [low, high]: [f64; 2],
    laser_nm: f64,
) -> Option<FilterBand> {
    let width = ((high - low) / GRID_NM).ceil().max(1.0) * GRID_NM;
    let width = width.min(WIDEST_NM);
    let [first, last] = dye.emission.range_nm();
    let start = ((first - width) / GRID_NM).floor();
    let places = 0..=((last - first + width) / GRID_NM).ceil() as u32;
    let bands: Vec<FilterBand> = places
        .map(|place| (start + f64::from(place)) * GRID_NM)
        // Light of one photon is longer than the laser's; below it only two photons emit.
        .filter(|low| {
            let two_photons = laser_nm > last;
            laser_nm <= low - GRID_NM || (two_photons && laser_nm >= low + width + GRID_NM)
        })
        .map(|low| FilterBand {
            nm: [low, low + width],
            emission: dye.emission.fraction_within([low, low + width]),
        })
        .collect();
    let most = bands.iter().map(|band| band.emission).fold(0.0, f64::max);
    let shift = |band: &FilterBand| (band.nm[0] + band.nm[1] - low - high).abs();
    bands
        .into_iter()
        .filter(|band| band.emission > 0.0 && band.emission >= NEARLY * most)
        .min_by(|a, b| shift(a).total_cmp(&shift(b)))
}

/// Returns the emission through a filter relative to the best filter of its width.
fn relative(best: FilterBand, [low, high]: [f64; 2], emission: f64) -> f64 {
    // A proposal gets no credit for being wider.
    let wider = ((high - low) / (best.nm[1] - best.nm[0])).min(1.0);
    emission / (best.emission * wider)
}

/// Returns a filter that deserves to be proposed: the present one misses the dye's peak or passes
/// less than a third of its emission, and another of its width passes at least one and a half times
/// as much.
fn worthwhile_band(
    dye: &Fluorophore,
    filter_nm: [f64; 2],
    laser_nm: f64,
    emission: f64,
) -> Option<FilterBand> {
    let [low, high] = filter_nm;
    let holds_peak = (low..=high).contains(&dye.emission_peak_nm());
    if holds_peak && emission >= POOR_EMISSION {
        return None;
    }
    best_band(dye, filter_nm, laser_nm)
        .filter(|&best| relative(best, filter_nm, emission) * WORTHWHILE <= 1.0)
}

/// Collects advice on all channels; [`super::warnings::dark_channel`] explains those that are dark.
pub(super) fn advice(
    config: &Config,
    fluorophores: &[Fluorophore],
    channels: &[ChannelModel],
) -> Vec<String> {
    let mut told = Vec::new();
    let mean = |channel: &ChannelModel, dye: usize| channel.photons[dye].mean_photons;
    let sees = |channel: &ChannelModel, dye: usize| {
        let mut sources = channel.sources.iter();
        sources.any(|source| source.fluorophore == dye)
    };
    let brightest = ChannelModel::brightest_dye;
    let some_channel_is_dark = channels.iter().any(|channel| channel.sources.is_empty());
    let mut advised = vec![false; channels.len()];
    for (dye, fluorophore) in fluorophores.iter().enumerate() {
        let seeing = || (0..channels.len()).filter(|&channel| sees(&channels[channel], dye));
        let seen_best =
            seeing().max_by(|&a, &b| mean(&channels[a], dye).total_cmp(&mean(&channels[b], dye)));
        let Some(seen_best) = seen_best else {
            // A dark channel has been explained dye by dye.
            if !some_channel_is_dark {
                told.push(unseen(fluorophore));
            }
            continue;
        };
        let by_laser = |channel: usize| {
            let Photons {
                excitation,
                emission,
                ..
            } = channels[channel].photons[dye];
            (excitation, emission)
        };
        let lit_best = seeing()
            .max_by(|&a, &b| {
                let ((xa, ma), (xb, mb)) = (by_laser(a), by_laser(b));
                xa.total_cmp(&xb).then(ma.total_cmp(&mb))
            })
            .filter(|&channel| brightest(&channels[channel]) == Some(dye));
        let mut meant = vec![seen_best];
        meant.extend(lit_best.filter(|&channel| channel != seen_best));
        for channel in meant {
            let name = &channels[channel].name;
            let optics = &config.optics.channels[name];
            let photons = channels[channel].photons[dye];
            let laser_nm = optics.laser_wavelength_nm;
            let filter_nm = optics.laser_filter_nm;
            if let Some(band) = worthwhile_band(fluorophore, filter_nm, laser_nm, photons.emission)
            {
                told.push(filter(name, fluorophore, filter_nm, photons, band));
                advised[channel] = true;
            }
            if channel == seen_best && photons.excitation < POOR_EXCITATION {
                told.push(laser(name, fluorophore, laser_nm, photons));
                advised[channel] = true;
            }
        }
    }
    for (channel, advised) in channels.iter().zip(advised) {
        let optics = &config.optics.channels[&channel.name];
        let Some(dye) = brightest(channel).filter(|_| !advised) else {
            continue;
        };
        let (photons, fluorophore) = (channel.photons[dye], &fluorophores[dye]);
        let filter_nm = optics.laser_filter_nm;
        let share = best_band(fluorophore, filter_nm, optics.laser_wavelength_nm)
            .map_or(1.0, |best| relative(best, filter_nm, photons.emission));
        if photons.excitation * share < CROSSTALK {
            told.push(nobodys(&channel.name, fluorophore, photons));
        }
    }
    told
}

fn filter(
    channel: &str,
    dye: &Fluorophore,
    [low, high]: [f64; 2],
    photons: Photons,
    band: FilterBand,
) -> String {
    format!(
        "channel {channel}: {} peaks at {:.0} nm; the filter {low}-{high} passes {} of its emission; {}",
        dye.name,
        dye.emission_peak_nm(),
        per_cent(photons.emission),
        proposal(band)
    )
}

/// Writes a proposal such as "440-550 would pass 89 per cent".
pub(super) fn proposal(band: FilterBand) -> String {
    let [low, high] = band.nm;
    format!("{low:.0}-{high:.0} would pass {}", per_cent(band.emission))
}

fn laser(channel: &str, dye: &Fluorophore, laser_nm: f64, photons: Photons) -> String {
    format!(
        "channel {channel}: the laser at {laser_nm} nm excites {} to {} of its maximum, which lies at {:.0} nm",
        dye.name,
        per_cent(photons.excitation),
        dye.excitation_peak_nm()
    )
}

fn unseen(dye: &Fluorophore) -> String {
    format!(
        "no channel shows {}: it is excited best at {:.0} nm and its emission peaks at {:.0} nm",
        dye.name,
        dye.excitation_peak_nm(),
        dye.emission_peak_nm()
    )
}

fn nobodys(channel: &str, dye: &Fluorophore, photons: Photons) -> String {
    format!(
        "channel {channel} suits no dye of the labelling: the brightest there, {}, is excited to {} of its maximum, \
         and the filter passes {} of its emission",
        dye.name,
        per_cent(photons.excitation),
        per_cent(photons.emission)
    )
}

/// Writes a share in whole per cents, or below one with one significant digit.
fn per_cent(share: f64) -> String {
    let per_cent = 100.0 * share;
    if per_cent >= 0.95 || per_cent == 0.0 {
        return format!("{per_cent:.0} per cent");
    }
    let digits = (-per_cent.log10().floor()).clamp(1.0, 6.0) as usize;
    if per_cent < 1e-3 {
        return "next to nothing".to_owned();
    }
    format!("{per_cent:.digits$} per cent")
}

#[cfg(test)]
mod tests;
