//! `simexm-gpu fluorophores`.

use super::files::NewFile;
use super::{exit, report, say};
use clap::Args;
use serde_json::{Value, json};
use simexm_gpu::config::Config;
use simexm_gpu::internals::optics::fluorophore::{self, Fluorophore, Spectrum, TwoPhoton};
use simexm_gpu::internals::show::plot::{self, ChannelBand, ImageFormat, TerminalStyle};
use std::error::Error;
use std::io::IsTerminal;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(
    after_help = "Example: simexm-gpu fluorophores ATTO425 --config examples/brainbow.toml --plot atto425.svg"
)]
pub(super) struct FluorophoresArgs {
    /// The fluorophore to show; without it all are listed
    name: Option<String>,
    /// Configuration (TOML or .ini) whose own fluorophores are listed too, and whose lasers and
    /// filters are drawn
    #[arg(long, value_name = "CONFIG")]
    config: Option<PathBuf>,
    /// Draw the spectra into a file too; its name ends in .svg or .png
    #[arg(long, value_name = "FILE", requires = "name")]
    plot: Option<PathBuf>,
    /// Replace the plot if it exists
    #[arg(long)]
    force: bool,
    /// Print JSON: a list of the fluorophores, or NAME's figures and spectra
    #[arg(long)]
    json: bool,
}

/// Lists the fluorophores or shows one; returns the exit code.
pub(super) fn fluorophores(args: &FluorophoresArgs) -> u8 {
    let (dyes, bands) = match known(args) {
        Ok(known) => known,
        Err(error) => {
            report(error.as_ref());
            return exit::USAGE;
        }
    };
    let Some(name) = &args.name else {
        list(&dyes, args.json);
        return exit::DONE;
    };
    let by_name = |name: &str| dyes.iter().find(|dye| dye.name == name);
    let written = || by_name(fluorophore::written(name)?);
    let Some(dye) = by_name(name).or_else(written) else {
        report(unknown(name, &dyes).as_ref());
        return exit::USAGE;
    };
    if let Err(error) = draw(dye, &bands, args) {
        report(error.as_ref());
        let usage = matches!(
            error.downcast_ref(),
            Some(plot::PlotError::UnknownFormat { .. })
        );
        return if usage { exit::USAGE } else { exit::FAILED };
    }
    if args.json {
        say(&format!("{:#}", with_spectra(dye)));
    } else {
        show(dye, &bands);
    }
    exit::DONE
}

/// Returns all fluorophores, and the bands to draw with them.
fn known(args: &FluorophoresArgs) -> Result<(Vec<Fluorophore>, Vec<ChannelBand>), Box<dyn Error>> {
    let Some(path) = &args.config else {
        return Ok((fluorophore::catalogue().to_vec(), Vec::new()));
    };
    let config = Config::from_file(path, &[])?;
    Ok((
        fluorophore::all(&config.fluorophores)?,
        ChannelBand::of(&config),
    ))
}

fn unknown(name: &str, dyes: &[Fluorophore]) -> Box<dyn Error> {
    let near = fluorophore::nearest(name, dyes.iter().map(|dye| dye.name.as_str()));
    let hint = if near.is_empty() {
        let names: Vec<&str> = dyes.iter().map(|dye| dye.name.as_str()).collect();
        format!(
            "there are {} (and those of a configuration, with --config)",
            names.join(", ")
        )
    } else {
        format!("did you mean {}?", near.join(" or "))
    };
    format!(
        "no fluorophore is named {name:?}; {hint}; a dye of your own is a table [fluorophores.NAME] of a configuration, \
         with a CSV file of its spectra"
    )
    .into()
}

/// Writes the plot, if one was asked for.
fn draw(
    dye: &Fluorophore,
    bands: &[ChannelBand],
    args: &FluorophoresArgs,
) -> Result<(), Box<dyn Error>> {
    if let Some(path) = &args.plot {
        let format = ImageFormat::of(path)?;
        let file = NewFile::prepare(path, args.force)?;
        file.write(&plot::spectra(dye, bands, format)?)?;
    }
    Ok(())
}

fn list(dyes: &[Fluorophore], json: bool) {
    if json {
        let list: Vec<Value> = dyes.iter().map(figures).collect();
        say(&format!("{:#}", Value::from(list)));
        return;
    }
    let width = dyes
        .iter()
        .map(|dye| dye.name.chars().count())
        .max()
        .unwrap_or(0)
        .max(4);
    say(&format!(
        "{:width$}  {:>10}  {:>9}  {:>10}  {:>7}  {:>10}  source",
        "", "excitation", "emission", "extinction", "quantum", "brightness"
    ));
    say(&format!(
        "{:width$}  {:>10}  {:>9}  {:>10}  {:>7}  {:>10}",
        "name", "peak (nm)", "peak (nm)", "(1/(M cm))", "yield", "(1/(M cm))"
    ));
    let star = |is_guess: bool| if is_guess { "*" } else { " " };
    for dye in dyes {
        let extinction = star(dye.extinction_is_guess);
        let quantum_yield = star(dye.quantum_yield_is_guess);
        let brightness = star(dye.extinction_is_guess || dye.quantum_yield_is_guess);
        let gaussian = if dye.spectra_are_gaussian {
            ", Gaussian spectra"
        } else {
            ""
        };
        say(&format!(
            "{:width$}  {:>10}  {:>9}  {:>9}{extinction}  {:>6.2}{quantum_yield}  {:>9.0}{brightness}  {}{gaussian}",
            dye.name,
            dye.excitation_peak_nm(),
            dye.emission_peak_nm(),
            dye.extinction_coefficient,
            dye.quantum_yield,
            dye.brightness(),
            dye.maker
        ));
    }
    if dyes
        .iter()
        .any(|dye| dye.quantum_yield_is_guess || dye.extinction_is_guess)
    {
        say("\n* a guess: the figure was not seen in print; ask the maker where it matters");
    }
    if dyes.iter().any(|dye| dye.spectra_are_gaussian) {
        say(
            "\nGaussian spectra have the maxima and widths of the measured ones, but no shoulders and tails: they show too \
             little bleed-through. Measured ones are read as a dye of your own.",
        );
    }
    say(
        "\nBrightness is extinction coefficient times quantum yield. `simexm-gpu fluorophores NAME` shows spectra.",
    );
}

/// Prints one fluorophore: its figures, its spectra, and its light in each channel.
fn show(dye: &Fluorophore, bands: &[ChannelBand]) {
    let guess = |is_guess: bool| match is_guess {
        true => " (a guess: not seen in print)",
        false => "",
    };
    let range = |spectrum: &Spectrum| {
        let [first, last] = spectrum.range_nm();
        match dye.spectra_are_gaussian {
            true => format!("a Gaussian from {first} to {last} nm"),
            false => format!("measured from {first} to {last} nm"),
        }
    };
    say(&dye.name);
    for (what, value) in [
        ("source", dye.maker.clone()),
        (
            "extinction coefficient",
            format!(
                "{} /(M cm){}",
                dye.extinction_coefficient,
                guess(dye.extinction_is_guess)
            ),
        ),
        (
            "quantum yield",
            format!("{}{}", dye.quantum_yield, guess(dye.quantum_yield_is_guess)),
        ),
        ("brightness", format!("{:.0} /(M cm)", dye.brightness())),
        (
            "excitation",
            format!(
                "peak {} nm, {}",
                dye.excitation_peak_nm(),
                range(&dye.excitation)
            ),
        ),
        (
            "emission",
            format!(
                "peak {} nm, {}",
                dye.emission_peak_nm(),
                range(&dye.emission)
            ),
        ),
        (
            "lifetime",
            format!("{} ns{}", dye.lifetime_ns, guess(dye.lifetime_is_guess)),
        ),
        ("two-photon absorption", two_photon(dye)),
    ] {
        say(&format!("  {what:<23} {value}"));
    }
    for band in bands {
        let [low, high] = band.filter_nm;
        say(&format!(
            "  channel {}: the laser at {} nm excites {:.1} per cent as much as one at the peak; the filter \
             {low}-{high} nm passes {:.1} per cent of the emission",
            band.channel,
            band.laser_nm,
            100.0 * dye.excitation.at(band.laser_nm),
            100.0 * dye.emission.fraction_within(band.filter_nm)
        ));
    }
    let variable = |name: &str| std::env::var_os(name).unwrap_or_default();
    let style = TerminalStyle {
        width: 80,
        coloured: std::io::stdout().is_terminal()
            && variable("NO_COLOR").is_empty()
            && variable("TERM") != "dumb",
    };
    say("");
    say(plot::terminal(dye, bands, style).trim_end_matches('\n'));
}

/// Says what is known of a fluorophore's two-photon cross-section.
fn two_photon(dye: &Fluorophore) -> String {
    match &dye.two_photon {
        None => {
            "not measured: guessed from the excitation at half the laser's wavelength".to_owned()
        }
        Some(TwoPhoton::AtLaser(gm)) => format!("{gm} GM at the laser"),
        Some(TwoPhoton::Measured { spectrum, source }) => {
            let [first, last] = spectrum.range_nm();
            let peak_nm = spectrum.peak_nm();
            format!(
                "{} GM at {peak_nm} nm, measured from {first} to {last} nm: {source}",
                spectrum.at(peak_nm)
            )
        }
    }
}

/// Writes a fluorophore's figures as JSON.
fn figures(dye: &Fluorophore) -> Value {
    json!({
        "name": dye.name,
        "source": dye.maker,
        "excitation_peak_nm": dye.excitation_peak_nm(),
        "emission_peak_nm": dye.emission_peak_nm(),
        "extinction_coefficient": dye.extinction_coefficient,
        "extinction_is_guess": dye.extinction_is_guess,
        "quantum_yield": dye.quantum_yield,
        "quantum_yield_is_guess": dye.quantum_yield_is_guess,
        "lifetime_ns": dye.lifetime_ns,
        "lifetime_is_guess": dye.lifetime_is_guess,
        "spectra_are_gaussian": dye.spectra_are_gaussian,
    })
}

/// Writes a fluorophore's figures and spectra as JSON.
fn with_spectra(dye: &Fluorophore) -> Value {
    let spectrum = |spectrum: &Spectrum| json!({ "wavelength_nm": spectrum.wavelengths_nm(), "value": spectrum.values() });
    let mut all = figures(dye);
    all["excitation"] = spectrum(&dye.excitation);
    all["emission"] = spectrum(&dye.emission);
    all["two_photon_gm"] = match &dye.two_photon {
        None => Value::Null,
        Some(TwoPhoton::AtLaser(gm)) => json!(gm),
        Some(TwoPhoton::Measured {
            spectrum: table,
            source,
        }) => {
            let mut table = spectrum(table);
            table["source"] = json!(source);
            table
        }
    };
    all
}
