//! The optics of a configuration: what its microscope sees of a fluorophore in each channel.

use super::REACH;
use super::budget::LightBudget;
use crate::config::{Channel, Config, PhysicalOptics, PsfModel};
use crate::engine::psf::Psf;
use crate::io::read::grey_stack;
use crate::model::ModelError;
use crate::optics::fluorophore::{Fluorophore, Photons};
use crate::optics::focal_planes::FocalPlanes;
use crate::optics::microscope::Microscope as Type;
use crate::optics::physical::photons::GUESSED_TWO_PHOTON_GM;
use crate::optics::physical::{
    Accuracy, Band, Curve, Emitter, Imaging, Kernel, Measured, Media, Objective, OpticsError,
    SeenLight, VoxelGrid, depth_nodes, kernel,
};
use rayon::prelude::*;

/// Light of a fluorophore, relative to the brightest of its channel, below which it is left out.
const NEGLIGIBLE: f64 = 1e-7;

/// Share of a measured point spread function's light off its even part from which it is told.
const UNEVEN: f64 = 0.01;

/// Most voxels of a measured point spread function.
const MOST_MEASURED: usize = 1 << 25;

/// What a channel sees of a fluorophore.
pub(super) struct Seen {
    /// Its light; `mean_photons` are the electrons that a fluorophore in the focal plane gives to
    /// all pixels of its image together.
    pub light: Photons,
    /// Which of the functions is nearest to the volume's middle.
    pub middle: usize,
    /// Its point spread functions by phase and slice in focus, of each one for each part of the
    /// band; none where there is no light.
    pub psfs: Vec<SeenPsf>,
    /// Share of the molecules that an exposure of all of them bleaches.
    pub bleaching: f64,
    /// What the user should know.
    notes: Vec<String>,
}

/// A point spread function, part by part of the band.
pub(super) struct SeenPsf {
    /// How far behind the middle of a slice the focus lies, in quarters of a slice.
    pub phase: u8,
    /// The place in focus, in slices.
    pub slice: f64,
    /// The function of each part.
    pub parts: Vec<Psf>,
}

impl Seen {
    fn dark(excitation: f64, emission: f64) -> Self {
        Self {
            light: Photons {
                excitation,
                emission,
                mean_photons: 0.0,
            },
            middle: 0,
            psfs: Vec::new(),
            bleaching: 0.0,
            notes: Vec::new(),
        }
    }
}

/// Functions of a pair of channel and dye that are made without a look at their size.
const FEW_FUNCTIONS: usize = 8;

/// Most bytes of the functions of a pair.
const MOST_FUNCTION_BYTES: usize = 1 << 30;

/// The microscope of a configuration over a volume.
pub(super) struct Sight<'a> {
    pub(super) config: &'a Config,
    pub(super) physical: PhysicalOptics,
    pub(super) objective: Objective,
    grid: VoxelGrid,
    accuracy: Accuracy,
    /// Depth of the volume's middle: that of the focus in all that is told.
    depth_um: f64,
    /// The point spread function, if it was measured.
    measured: Option<Measured>,
    /// Places of a focus in its slice, in quarters of a slice.
    phases: Vec<u8>,
    /// Size of the volume along x and y.
    size: [usize; 2],
}

impl<'a> Sight<'a> {
    pub(super) fn new(
        config: &'a Config,
        shape: [usize; 3],
        planes: FocalPlanes,
    ) -> Result<Self, ModelError> {
        let optics = &config.optics;
        let physical = optics.physical.clone().unwrap_or_default();
        let immersion = physical.immersion_index.unwrap_or(optics.refractive_index);
        let design = |design: Option<f64>, actual: f64| design.unwrap_or(actual);
        let media = Media {
            sample_index: optics.refractive_index,
            immersion_index: immersion,
            immersion_design_index: design(physical.immersion_index_design, immersion),
            coverslip_index: physical.coverslip_index,
            coverslip_design_index: design(
                physical.coverslip_index_design,
                physical.coverslip_index,
            ),
            coverslip_um: physical.coverslip_um,
            coverslip_design_um: design(physical.coverslip_design_um, physical.coverslip_um),
            working_distance_um: physical.working_distance_um,
        };
        let voxel_um = config.voxel_in_gel_nm().map(|nm| nm / 1e3);
        let [slices, size @ ..] = shape;
        let reach = size.map(|size| {
            let within = size.saturating_sub(1).max(1);
            physical.psf_reach.unwrap_or(REACH).min(within)
        });
        let measured = measured(&physical)?;
        let middle_um = slices.saturating_sub(1) as f64 / 2.0 * voxel_um[0];
        Ok(Self {
            config,
            measured,
            objective: Objective {
                numerical_aperture: optics.numerical_aperture,
                media,
            },
            grid: VoxelGrid {
                voxel_um,
                slices,
                reach,
            },
            accuracy: Accuracy {
                truncation: physical.psf_truncation,
                depth_truncation: physical.psf_depth_truncation,
                // What is beyond a dark border is lost.
                keep_light: !physical.dark_boundary,
            },
            depth_um: physical.depth_um + middle_um,
            phases: planes.phases(slices),
            size,
            physical,
        })
    }

    pub(super) fn excites_with_two_photons(&self) -> bool {
        self.config.optics.microscope == Type::TwoPhoton
    }

    /// What the user should know of the objective.
    pub(super) fn notes(&self) -> Vec<String> {
        let media = &self.objective.media;
        let mut notes = Vec::new();
        if self.objective.cut_by_sample() {
            notes.push(format!(
                "numerical_aperture {} is above refractory_index ({}): what the gel does not pass is cut off, and the light \
                 that only molecules within 0.1 um of the coverslip send there is left out",
                self.objective.numerical_aperture, media.sample_index
            ));
        }
        notes
    }

    /// What a channel sees of each fluorophore.
    pub(super) fn channel(
        &self,
        name: &str,
        fluorophores: &[Fluorophore],
        told: &mut Vec<String>,
    ) -> Result<Vec<Seen>, ModelError> {
        let channel = &self.config.optics.channels[name];
        let band = self.band(name, channel)?;
        let failed = |dye: &Fluorophore, error: OpticsError| ModelError::Optics {
            channel: name.to_owned(),
            fluorophore: dye.name.clone(),
            problem: error.to_string(),
        };
        let pairs = fluorophores.iter().map(|dye| {
            let pair = self.pair(channel, &band, dye);
            pair.map_err(|error| failed(dye, error))
        });
        let pairs: Vec<Pair> = pairs.collect::<Result<_, _>>()?;
        let best = pairs.iter().map(Pair::brightness).fold(0.0, f64::max);
        let seen = fluorophores.par_iter().zip(&pairs).map(|(dye, pair)| {
            if pair.brightness() <= NEGLIGIBLE * best {
                return Ok(Seen::dark(pair.excitation, pair.emission));
            }
            let seen = self.seen(channel, dye, pair);
            seen.map_err(|error| failed(dye, error))
        });
        let mut seen: Vec<Seen> = seen.collect::<Result<_, _>>()?;
        for (seen, dye) in seen.iter_mut().zip(fluorophores) {
            let bleached = self.bleached(channel, dye);
            seen.bleaching = bleached.map_err(|error| failed(dye, error))?;
        }
        for seen in &seen {
            told.extend(
                seen.notes
                    .iter()
                    .map(|note| format!("channel {name}: {note}")),
            );
        }
        Ok(seen)
    }

    /// The way of the light to the detector.
    fn band(&self, name: &str, channel: &Channel) -> Result<Band, ModelError> {
        let curve = |key: &'static str, path: &Option<std::path::PathBuf>, constant: f64| match path
        {
            None => Ok(Curve::Constant(constant)),
            Some(path) => Curve::read(path).map_err(|problem| ModelError::Curve {
                channel: name.to_owned(),
                key,
                problem,
            }),
        };
        let efficiency = self.config.optics.detector_efficiency;
        Ok(Band {
            filter_nm: channel.laser_filter_nm,
            filter: curve("filter_curve", &channel.filter_curve, 1.0)?,
            dichroic: curve("dichroic_curve", &channel.dichroic_curve, 1.0)?,
            detector: curve("efficiency_curve", &channel.efficiency_curve, efficiency)?,
        })
    }

    /// How a dye answers to a channel's laser, and what the band shows of it.
    fn pair(&self, channel: &Channel, band: &Band, dye: &Fluorophore) -> Result<Pair, OpticsError> {
        let emitter = Emitter::of(
            dye,
            channel.laser_wavelength_nm,
            dye.lifetime_ns,
            dye.two_photon_gm_at(channel.laser_wavelength_nm),
        );
        let excitation = if self.excites_with_two_photons() {
            emitter.two_photon_gm / GUESSED_TWO_PHOTON_GM
        } else {
            dye.excitation.at(channel.laser_wavelength_nm)
        };
        let seen = match band.split(&dye.emission, self.physical.spectral_bins) {
            Ok(seen) => seen,
            Err(OpticsError::NoEmission { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(Pair {
            emitter,
            excitation,
            emission: dye.emission.fraction_within(channel.laser_filter_nm),
            cross_section: if self.excites_with_two_photons() {
                emitter.two_photon_gm
            } else {
                emitter.cross_section_m2
            },
            seen,
        })
    }

    fn seen(&self, channel: &Channel, dye: &Fluorophore, pair: &Pair) -> Result<Seen, OpticsError> {
        let parts = pair.seen.iter();
        let imaging = parts.map(|part| self.imaging(channel, pair.emitter, *part));
        let imaging: Vec<Imaging> = imaging.collect::<Result<_, _>>()?;
        let depths = match imaging.first() {
            Some(imaging) => self.depths_um(imaging)?,
            None => Vec::new(),
        };
        let places: Vec<(u8, f64)> = (self.phases.iter())
            .flat_map(|phase| depths.iter().map(move |depth_um| (*phase, *depth_um)))
            .collect();
        if let (Some(&(phase, deepest_um)), Some(first)) = (places.last(), imaging.first())
            && places.len() > FEW_FUNCTIONS
        {
            // It spreads farthest.
            let (largest, _) = self.kernel(first, deepest_um, phase)?;
            let bytes = size_of_val(largest.psf.values());
            let count = places.len() * imaging.len();
            if bytes.saturating_mul(count) > MOST_FUNCTION_BYTES {
                return Err(OpticsError::TooManyDepths {
                    range_um: [depths[0], deepest_um],
                    count,
                    megabytes: bytes.div_ceil(1_000_000),
                });
            }
        }
        let kernels = places.par_iter().map(|&(phase, depth_um)| {
            let parts = imaging.par_iter();
            let kernels = parts
                .map(|imaging| self.kernel(imaging, depth_um, phase))
                .collect::<Result<Vec<(Kernel, f64)>, _>>()?;
            Ok((phase, depth_um, kernels))
        });
        let kernels: Vec<_> = kernels.collect::<Result<_, OpticsError>>()?;
        // Those of phase 0 come first.
        let distance = |depth_um: &f64| (depth_um - self.depth_um).abs();
        let nearest = depths
            .iter()
            .enumerate()
            .min_by(|a, b| distance(a.1).total_cmp(&distance(b.1)));
        let number = nearest.map_or(0, |(number, _)| number);
        let Some((_, _, middle)) = kernels.get(number) else {
            return Ok(Seen::dark(pair.excitation, pair.emission));
        };
        let mut notes = Vec::new();
        let laser_nm = channel.laser_wavelength_nm;
        if self.excites_with_two_photons() && dye.two_photon_gm_at(laser_nm).is_none() {
            notes.push(format!(
                "the two-photon cross-section of {} at {laser_nm} nm is a guess ({:.3} GM: {GUESSED_TWO_PHOTON_GM} at the \
                 maximum of the one-photon spectrum, read at half the laser's wavelength): it was {}",
                dye.name,
                pair.emitter.two_photon_gm,
                dye.why_no_two_photon()
            ));
        }
        if let Some((kernel, moved)) = middle.first() {
            notes.extend(self.capped(dye, kernel));
            if *moved > UNEVEN {
                notes.push(format!(
                    "the function of psf_file is made even along x and y, which moves {:.0} per cent of its light",
                    100.0 * moved
                ));
            }
        }
        let in_focus = |(kernel, _): &(Kernel, f64)| kernel.plane_light[kernel.psf.shape().before];
        Ok(Seen {
            light: Photons {
                excitation: pair.excitation,
                emission: pair.emission,
                mean_photons: middle.iter().map(in_focus).sum(),
            },
            middle: number,
            psfs: kernels
                .into_iter()
                .map(|(phase, depth_um, parts)| SeenPsf {
                    phase,
                    slice: (depth_um - self.physical.depth_um) / self.grid.voxel_um[0],
                    parts: parts.into_iter().map(|(kernel, _)| kernel.psf).collect(),
                })
                .collect(),
            bleaching: 0.0,
            notes,
        })
    }

    /// A point spread function on voxels, and the share of its light that was moved to make it even
    /// across the axis.
    fn kernel(
        &self,
        imaging: &Imaging,
        depth_um: f64,
        phase: u8,
    ) -> Result<(Kernel, f64), OpticsError> {
        match &self.measured {
            Some(measured) => measured.kernel(imaging, &self.grid, depth_um, phase),
            None => Ok((
                kernel(imaging, &self.grid, &self.accuracy, depth_um, phase)?,
                0.0,
            )),
        }
    }

    /// Share of the molecules of a dye that an exposure of the channel bleaches, while all of them
    /// are there (docs/physical.md section 7).
    fn bleached(&self, channel: &Channel, dye: &Fluorophore) -> Result<f64, OpticsError> {
        if !self.physical.bleaching {
            return Ok(0.0);
        }
        let laser_nm = channel.laser_wavelength_nm;
        let emitter = Emitter::of(dye, laser_nm, dye.lifetime_ns, None);
        // What the filter passes does not matter.
        let seen = SeenLight {
            share: 0.0,
            centroid_nm: dye.emission_peak_nm(),
        };
        let imaging = self.imaging(channel, emitter, seen)?;
        Ok(dye.bleach_yield * imaging.absorptions().unwrap_or(0.0))
    }

    /// Depths with a point spread function of their own: one where the media match.
    fn depths_um(&self, imaging: &Imaging) -> Result<Vec<f64>, OpticsError> {
        if imaging.objective.media.matched() || self.measured.is_some() {
            return Ok(vec![self.depth_um]);
        }
        let deep_um = self.grid.slices.saturating_sub(1) as f64 * self.grid.voxel_um[0];
        let range = [self.physical.depth_um, self.physical.depth_um + deep_um];
        // Images between two slices are mixed from the functions of those anyway.
        depth_nodes(
            imaging,
            range,
            self.physical.depth_error,
            self.grid.voxel_um[0],
        )
    }

    /// Tells of planes that are wider than the reach, unless the volume ends there as well.
    fn capped(&self, dye: &Fluorophore, kernel: &Kernel) -> Option<String> {
        let beyond = |axis: usize| self.grid.reach[axis] + 1 < self.size[axis];
        if !beyond(0) && !beyond(1) {
            return None;
        }
        let outside = kernel.outside.iter().zip(&kernel.capped);
        let most = outside
            .filter(|(_, capped)| **capped)
            .map(|(outside, _)| *outside)
            .fold(0.0, f64::max);
        let first = {
            let focus = kernel.psf.shape().before;
            let capped = kernel
                .capped
                .iter()
                .enumerate()
                .filter(|(_, capped)| **capped);
            capped.map(|(tap, _)| tap.abs_diff(focus)).min()?
        };
        Some(format!(
            "the light of {} that is {:.1} um or more out of focus spreads farther than {} voxels: it is added to what \
             falls within them (up to {:.0} per cent of a plane's light; psf_reach sets the voxels, 512 at most)",
            dye.name,
            first as f64 * self.grid.voxel_um[0],
            self.grid.reach[0].max(self.grid.reach[1]),
            100.0 * most
        ))
    }

    /// Where the light of a dye in a channel goes, of which these electrons are left in the focus
    /// of a slice; `None` where there is none.
    pub(super) fn budget(
        &self,
        name: &str,
        dye: &Fluorophore,
        (electrons, slice): (f64, f64),
    ) -> Result<Option<LightBudget>, ModelError> {
        let depth_um = match self.objective.media.matched() {
            true => self.depth_um,
            false => self.physical.depth_um + slice * self.grid.voxel_um[0],
        };
        let channel = &self.config.optics.channels[name];
        let band = self.band(name, channel)?;
        let budget = || -> Result<Option<LightBudget>, OpticsError> {
            let pair = self.pair(channel, &band, dye)?;
            if pair.brightness() <= 0.0 {
                return Ok(None);
            }
            let all_counted = Band {
                detector: Curve::Constant(1.0),
                ..band.clone()
            };
            let passed = all_counted.seen(&dye.emission)?.share;
            let seen = band.seen(&dye.emission)?;
            let imaging = self.imaging(channel, pair.emitter, seen)?;
            let pinhole = imaging.pinhole_share(depth_um, electrons)?;
            let shares = imaging.detected_share * pinhole;
            Ok(Some(LightBudget {
                channel: name.to_owned(),
                fluorophore: dye.name.clone(),
                emitted: if shares > 0.0 {
                    electrons / shares
                } else {
                    0.0
                },
                aperture: self.objective.collected_share(),
                objective: self.config.optics.objective_efficiency,
                filter: passed,
                detector: if passed > 0.0 {
                    seen.share / passed
                } else {
                    0.0
                },
                pinhole,
                electrons,
                saturation: imaging.saturation_in_focus(depth_um)?,
            }))
        };
        budget().map_err(|error| ModelError::Optics {
            channel: name.to_owned(),
            fluorophore: dye.name.clone(),
            problem: error.to_string(),
        })
    }
}

/// Reads the point spread function that was measured, if one is asked for.
fn measured(physical: &PhysicalOptics) -> Result<Option<Measured>, ModelError> {
    let (Some(path), Some(voxel_nm)) = (&physical.psf_file, physical.psf_voxel_nm) else {
        return Ok(None);
    };
    if physical.psf != PsfModel::Measured {
        return Ok(None);
    }
    let problem = |why: String| ModelError::MeasuredPsf(why);
    let stack = grey_stack(path, MOST_MEASURED).map_err(problem)?;
    let voxel_um = voxel_nm.map(|nm| nm / 1e3);
    let measured = Measured::new(&stack, voxel_um, physical.psf_background.unwrap_or(0.0));
    let measured = measured.map_err(|error| problem(format!("{}: {error}", path.display())))?;
    Ok(Some(measured))
}

/// A dye under a channel's laser, behind its filter.
struct Pair {
    emitter: Emitter,
    /// Excitation relative to the dye's best.
    excitation: f64,
    /// Share of the emission inside the filter's band.
    emission: f64,
    /// Cross-section in the unit of the excitation.
    cross_section: f64,
    /// Parts of the band.
    seen: Vec<SeenLight>,
}

impl Pair {
    /// How bright the dye is, in units that are the same for all dyes of a channel.
    fn brightness(&self) -> f64 {
        let shares = self.seen.iter().map(|part| part.share);
        self.cross_section * self.emitter.quantum_yield * shares.sum::<f64>()
    }
}
