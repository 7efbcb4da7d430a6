//! `report.html`: a run on one page, in one file that needs no network.

mod charts;
#[cfg(test)]
mod tests;

use crate::base::text::of_axes;
use crate::base::volume::slices_in_words;
use crate::config::Config;
use crate::model::{Model, PsfVolume, point_spread_functions};
use crate::optics::fluorophore::Fluorophore;
use crate::run::log::RunLog;
use crate::run::outputs::quicklook::Quicklook;
use crate::run::report::Report;
use crate::show::picture::Picture;
use crate::show::plot::{self, ChannelBand, ImageFormat};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write;

/// Name of the page in the output folder.
pub const REPORT_NAME: &str = "report.html";

/// Widest image on the page, in pixels.
const WIDEST: usize = 800;

/// Facts that the page is written from.
pub(crate) struct Facts<'a, 'w> {
    pub config: &'a Config,
    pub model: &'a Model,
    pub report: &'a Report,
    pub quicklook: &'a Quicklook,
    /// Ids of the cells by their index.
    pub ids: &'a [u64],
    pub log: &'a RunLog<'w>,
}

/// Style of the page. Figures stand beside one another where there is room, and below one another
/// on a phone; plots keep the size at which their words can be read, and scroll by themselves.
const STYLE: &str = "
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:1760px;margin:0 auto;padding:1rem;overflow-wrap:anywhere}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2rem;border-bottom:1px solid #8886}
.row{display:flex;flex-wrap:wrap;gap:1rem}
.images{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr))}
.images img{width:100%;image-rendering:pixelated}
figure{margin:0;min-width:0;max-width:100%}
figure img,figure svg{max-width:100%;height:auto;display:block}
figure.plot{flex:1 1 600px;max-width:min(100%,max(600px,50% - .5rem));overflow-x:auto;background:#fff;color:#000}
figure.plot>svg,figure.plot>img{width:100%;min-width:600px}
figure.histogram{flex:1 1 300px;max-width:min(100%,512px)}figure.histogram>svg{min-width:0}
figure.plot figcaption{padding:0 .5rem .4rem}
figcaption{font-size:.85rem;opacity:.8}
.colour{display:inline-block;width:.8em;height:.8em;margin-right:.3em}
.scroll{overflow-x:auto}
@media(max-width:630px){.plot:not(.histogram)::before{content:'\\2194  drag sideways';position:sticky;left:0;display:inline-block;padding:.2rem .5rem;font-size:.85rem;background:#fff8;color:#333}}
table{border-collapse:collapse}td,th{padding:.15rem .8rem .15rem 0;text-align:left;vertical-align:top}
th{min-width:6.5rem;max-width:14rem;overflow-wrap:break-word}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.85rem}
.warning{border-left:4px solid #d55e00;padding-left:.6rem;margin:.4rem 0}
";

/// Writes the whole page.
pub(crate) fn page(facts: &Facts<'_, '_>) -> String {
    let name = escaped(&facts.config.output.name);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{name} - simexm-gpu</title>\n<style>{STYLE}</style></head><body>\n<h1>{name}</h1>\n"
    );
    let functions = point_spread_functions(facts.config).map_err(|error| error.to_string());
    summary(&mut page, facts, functions.as_deref().unwrap_or_default());
    warnings(&mut page, facts);
    images(&mut page, facts);
    histograms(&mut page, facts);
    spectra(&mut page, facts);
    point_spread(&mut page, &functions);
    times(&mut page, facts);
    let parameters = escaped(&facts.config.to_toml());
    let _ = write!(
        page,
        "<h2>Parameters</h2>\n<details open><summary>the configuration that repeats this run</summary><pre>{parameters}\
         </pre></details>\n</body></html>\n"
    );
    page
}

fn summary(page: &mut String, facts: &Facts<'_, '_>, functions: &[PsfVolume]) {
    let report = facts.report;
    let [z, x, y] = report.image_shape;
    let resolution = functions.iter().map(|psf| {
        let widths = psf.tissue_widths();
        format!("{widths} ({} in {})", psf.fluorophore, psf.channel)
    });
    let resolution: Vec<String> = resolution.collect();
    let rows = [
        (
            "images",
            format!("{} of {x} x {y} pixels", slices_in_words(z)),
        ),
        (
            "expansion",
            format!("{} times", of_axes(facts.config.expansion.factors())),
        ),
        (
            "resolution in tissue, full width at half maximum",
            resolution.join("; "),
        ),
        ("microscope", facts.config.optics.microscope.to_string()),
        ("seed", report.seed.to_string()),
        ("device", report.device.clone()),
        ("simexm-gpu", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    page.push_str("<table>");
    for (what, value) in rows {
        let _ = write!(page, "<tr><th>{what}</th><td>{}</td></tr>", escaped(&value));
    }
    page.push_str("</table>\n");
}

fn warnings(page: &mut String, facts: &Facts<'_, '_>) {
    page.push_str("<h2>Warnings</h2>\n");
    if facts.log.warnings().is_empty() {
        page.push_str("<p>None.</p>\n");
    }
    for warning in facts.log.warnings() {
        let _ = writeln!(page, "<p class=\"warning\">{}</p>", escaped(warning));
    }
}

fn images(page: &mut String, facts: &Facts<'_, '_>) {
    page.push_str("<h2>Images</h2>\n");
    let colours = colours(facts.quicklook);
    for panel in facts.quicklook.panels(facts.ids, WIDEST) {
        let title = escaped(&panel.title);
        let _ = writeln!(page, "<h3>{title}</h3>");
        if panel.is_mixed {
            let _ = writeln!(page, "<p>{colours}</p>");
        }
        page.push_str("<div class=\"row images\">");
        for (what, mut picture) in panel.rows {
            if let Some(bar) = facts.quicklook.scale_bar(picture.columns()) {
                picture.draw_scale_bar(&bar);
            }
            let picture = &picture;
            let caption = escaped(&what);
            let _ = write!(
                page,
                "<figure>{}<figcaption>{caption}</figcaption></figure>",
                image(picture, &format!("{title}, {caption}"))
            );
        }
        page.push_str("</div>\n");
    }
    if let Some(bar) = facts.quicklook.pixel_note() {
        let _ = writeln!(page, "<p>{}</p>", escaped(&bar));
    }
}

/// Writes the legend of channels and colours.
fn colours(quicklook: &Quicklook) -> String {
    let channels = quicklook.about().channels.iter();
    let named = channels.map(|(name, [red, green, blue])| {
        let name = escaped(name);
        format!("<span class=\"colour\" style=\"background:#{red:02x}{green:02x}{blue:02x}\"></span>{name} ")
    });
    named.collect()
}

fn image(picture: &Picture, what: &str) -> String {
    let data = STANDARD.encode(picture.to_png().unwrap_or_default());
    format!("<img alt=\"{what}\" src=\"data:image/png;base64,{data}\">")
}

fn histograms(page: &mut String, facts: &Facts<'_, '_>) {
    page.push_str("<h2>Grey values</h2>\n<div class=\"row\">");
    let names = facts
        .model
        .channels
        .iter()
        .map(|channel| channel.name.as_str());
    let maxima = facts.report.maxima.iter();
    for ((name, counts), photons) in names.zip(facts.quicklook.histograms()).zip(maxima) {
        let chart = charts::histogram(counts);
        let name = escaped(name);
        let brightest = match facts.model.physical() {
            Some(_) => format!("the grey value {photons}"),
            None => format!("{photons} photons"),
        };
        let _ = write!(
            page,
            "<figure class=\"plot histogram\">{chart}<figcaption>{name}: pixels by their grey value, logarithmic, \
             up to the brightest one, which has {brightest}</figcaption></figure>"
        );
    }
    page.push_str("</div>\n");
}

fn spectra(page: &mut String, facts: &Facts<'_, '_>) {
    page.push_str("<h2>Spectra, lasers and filters</h2>\n<div class=\"row\">");
    let bands = ChannelBand::of(facts.config);
    for dye in &facts.model.fluorophores {
        plot_figure(page, plot_of(dye, &bands), &dye.name);
    }
    page.push_str("</div>\n");
}

fn plot_of(dye: &Fluorophore, bands: &[ChannelBand]) -> Result<String, String> {
    let svg = plot::spectra(dye, bands, ImageFormat::Svg).map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&svg).into_owned())
}

fn point_spread(page: &mut String, functions: &Result<Vec<PsfVolume>, String>) {
    page.push_str("<h2>Point spread functions</h2>\n<div class=\"row\">");
    match functions {
        Ok(functions) => {
            for psf in functions {
                let caption = format!("{} in {}: {}", psf.fluorophore, psf.channel, psf.widths());
                let drawn = plot::sections(psf, ImageFormat::Png).map(|png| {
                    let data = STANDARD.encode(png);
                    let alt = escaped(&caption);
                    format!("<img alt=\"{alt}\" src=\"data:image/png;base64,{data}\">")
                });
                plot_figure(page, drawn.map_err(|error| error.to_string()), &caption);
            }
        }
        Err(error) => {
            let _ = write!(page, "<p>{}</p>", escaped(error));
        }
    }
    page.push_str("</div>\n");
}

/// Writes a plot, or the reason why there is none.
fn plot_figure(page: &mut String, plot: Result<String, String>, caption: &str) {
    let inside = plot.unwrap_or_else(|why| escaped(&why));
    let caption = escaped(caption);
    let _ = write!(
        page,
        "<figure class=\"plot\">{inside}<figcaption>{caption}</figcaption></figure>"
    );
}

fn times(page: &mut String, facts: &Facts<'_, '_>) {
    page.push_str(
        "<h2>Time and memory</h2>\n<div class=\"scroll\"><table><tr><th>stage</th><th class=\"n\">time (s)</th><th class=\"n\">memory (MB)</th></tr>",
    );
    for stage in &facts.report.stages {
        let peak = facts.log.peak_after(&stage.stage);
        let peak = peak.map_or_else(String::new, |bytes| (bytes / 1_000_000).to_string());
        let _ = write!(
            page,
            "<tr><td>{}</td><td class=\"n\">{:.2}</td><td class=\"n\">{peak}</td></tr>",
            escaped(&stage.stage),
            stage.time.as_secs_f64()
        );
    }
    page.push_str("</table></div>\n<p>Of the host's memory, the peak until then.</p>\n");
    let device = facts.report.device_times();
    if !device.is_empty() {
        page.push_str("<p>On the device:</p>\n<div class=\"scroll\"><table><tr><th>stage</th><th class=\"n\">time (s)</th></tr>");
        for stage in device {
            let _ = write!(
                page,
                "<tr><td>{}</td><td class=\"n\">{:.2}</td></tr>",
                escaped(&stage.stage),
                stage.time.as_secs_f64()
            );
        }
        page.push_str("</table></div>\n");
    }
}

/// Escapes text for HTML.
pub(crate) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            c => html.push(c),
        }
    }
    html
}
