//! `sweep.html`: the grid, its metrics and the answer on a page that needs no network.

use super::sheet::{Drawing, SharedContrast, columns, row_label, scale_bar};
use super::{Sweep, SweepFile, in_words};
use crate::apps::metrics::Metric;
use crate::base::choice::Choice;
use crate::base::volume::triple;
use crate::run::outputs::report_html::escaped;
use crate::show::picture::Picture;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write;

/// Longest side of a picture in the grid, in pixels.
const SMALL: f64 = 240.0;

/// Longest side of the larger picture.
const LARGE: f64 = 720.0;

/// Most cells that have a larger picture, so that a page can still be opened.
const MOST_LARGE: usize = 200;

/// Style of the page. The grid and the heat maps scroll by themselves where they are wider than
/// the window, so that the page fits a phone.
const STYLE: &str = "
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:1400px;margin:0 auto;padding:1rem;overflow-wrap:anywhere}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2rem;border-bottom:1px solid #8886}h3{font-size:1rem;margin:1.5rem 0 .3rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.9rem}
td,th{padding:.2rem .5rem;text-align:left;vertical-align:bottom}
th,td{overflow-wrap:normal}th{font-weight:normal}
table.sheet td{padding:2px 4px 2px 0}table.sheet th,table.heat th{padding:.3rem .5rem .1rem 0}
table.sheet img{display:block;width:clamp(104px,18vw,240px);height:auto;image-rendering:pixelated}
table.heat td{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap;border:1px solid #8883}
.maps{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:0 1.5rem}
.maps>div{min-width:0}
.answer{border-left:4px solid #0072b2;padding-left:.6rem}
.none{border-color:#d55e00}
.bar{height:4px;background:currentColor}
section img{max-width:100%;height:auto;display:block;image-rendering:pixelated}
section{scroll-margin-top:1rem}section:target h3{color:#0072b2}
pre{white-space:pre-wrap;font-size:.85rem}
";

/// Writes the whole page.
#[must_use]
pub fn page(sweep: &Sweep, contrast: SharedContrast) -> String {
    let file = &sweep.file;
    let name = escaped(&file.name);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{name} - simexm-gpu sweep</title>\n<style>{STYLE}</style></head><body>\n<h1>Sweep of {name}</h1>\n"
    );
    let _ = writeln!(
        page,
        "<p>{} voxels of tissue from voxel {} on (z, x, y); {} settings, {} each; simexm-gpu {}.</p>",
        triple(file.piece.shape_voxels, " x "),
        triple(file.piece.offset_voxels, ", "),
        file.cells.len(),
        match file.seeds {
            1 => "one seed".to_owned(),
            seeds => format!("{seeds} seeds"),
        },
        escaped(&file.version)
    );
    if let Some(answer) = &file.answer {
        let class = if answer.met_by.is_empty() {
            " none"
        } else {
            ""
        };
        let words = escaped(&answer.words);
        let _ = writeln!(
            page,
            "<h2>Answer</h2>\n<p class=\"answer{class}\">{words}</p>"
        );
    }
    let drawing = Drawing::new(sweep, contrast);
    grid(&mut page, sweep, contrast, &drawing);
    page.push_str("<h2>Metrics</h2>\n<div class=\"maps\">\n");
    for metric in &file.metrics {
        heat_map(&mut page, file, *metric);
    }
    page.push_str("</div>\n");
    details(&mut page, sweep, &drawing);
    page.push_str("</body></html>\n");
    page
}

fn image(picture: &Picture, what: &str) -> String {
    let data = STANDARD.encode(picture.to_png().unwrap_or_default());
    format!(
        "<img alt=\"{}\" width=\"{}\" height=\"{}\" src=\"data:image/png;base64,{data}\">",
        escaped(what),
        picture.columns(),
        picture.rows()
    )
}

/// A table of the grid: the last axis and its values above, the settings of the other axes above
/// each row, each cell written by a function.
fn table(
    page: &mut String,
    file: &SweepFile,
    class: &str,
    cell: &mut dyn FnMut(&mut String, usize),
) {
    let columns = columns(&file.axes);
    let rows = file.cells.len().div_ceil(columns);
    let _ = write!(
        page,
        "<div class=\"scroll\" tabindex=\"0\"><table class=\"{class}\">"
    );
    if let Some(axis) = file.axes.last() {
        let key = escaped(&axis.key);
        let _ = write!(page, "<tr><th colspan=\"{columns}\">{key}</th></tr>\n<tr>");
        for value in &axis.values {
            let _ = write!(page, "<th>{}</th>", escaped(value));
        }
        page.push_str("</tr>\n");
    }
    for row in 0..rows {
        let label = row_label(file, row);
        if !label.is_empty() {
            let label = escaped(&label);
            let _ = writeln!(page, "<tr><th colspan=\"{columns}\">{label}</th></tr>");
        }
        page.push_str("<tr>");
        for number in (row * columns..(row + 1) * columns).take_while(|n| *n < file.cells.len()) {
            cell(page, number);
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</table></div>\n");
}

fn grid(page: &mut String, sweep: &Sweep, contrast: SharedContrast, drawing: &Drawing<'_>) {
    let file = &sweep.file;
    page.push_str("<h2>The same tissue</h2>\n");
    let mut wide = 1;
    table(page, file, "sheet", &mut |page, number| {
        let what = in_words(&file.axes, &file.cells[number].settings);
        let picture = drawing.picture(number, SMALL);
        wide = picture.as_ref().map_or(wide, Picture::columns);
        let picture = picture.map_or_else(String::new, |picture| image(&picture, &what));
        let _ = write!(page, "<td><a href=\"#cell-{number}\">{picture}</a></td>");
    });
    if let Some(bar) = scale_bar(sweep, wide) {
        // As wide as the same share of a picture, however wide that is.
        let share = bar.pixels / wide as f64;
        let _ = writeln!(
            page,
            "<div class=\"bar\" style=\"width:calc(clamp(104px,18vw,240px)*{share:.4})\"></div><p>{} of tissue</p>",
            escaped(&bar.label)
        );
    }
    let _ = writeln!(
        page,
        "<p>The middle slice of each, with the same seed of labels; contrast is {}. Click for the larger picture and the \
         configuration that repeats it.</p>",
        match contrast {
            SharedContrast::Column => "common to a column",
            SharedContrast::All => "common to all",
            SharedContrast::None => "of each its own",
        }
    );
}

/// From bad to good: colours that the colour-blind tell apart, and letters that stand out on them.
fn shade(share: f64) -> String {
    let (bad, good) = ([247.0, 251.0, 255.0], [8.0, 69.0, 148.0]);
    let [red, green, blue] =
        [0, 1, 2].map(|part| (bad[part] + share * (good[part] - bad[part])) as u8);
    let letters = if share > 0.5 { "#fff" } else { "#000" };
    format!("background:#{red:02x}{green:02x}{blue:02x};color:{letters}")
}

fn heat_map(page: &mut String, file: &SweepFile, metric: Metric) {
    let known = file.cells.iter().filter_map(|cell| cell.mean(metric));
    let (least, most) = known.fold(
        (f64::INFINITY, f64::NEG_INFINITY),
        |(least, most), value| (least.min(value), most.max(value)),
    );
    let better = if metric.more_is_better() {
        "more"
    } else {
        "less"
    };
    let _ = writeln!(
        page,
        "<div><h3>{}</h3><p>{}; {better} is better</p>",
        escaped(metric.as_str()),
        escaped(metric.title())
    );
    table(page, file, "heat", &mut |page, number| {
        let cell = &file.cells[number];
        let style = cell.mean(metric).map(|value| {
            let share = if most > least {
                (value - least) / (most - least)
            } else {
                0.5
            };
            shade(if metric.more_is_better() {
                share
            } else {
                1.0 - share
            })
        });
        let value = escaped(&cell.value_in_words(metric));
        let _ = write!(
            page,
            "<td style=\"{}\">{value}</td>",
            style.unwrap_or_default()
        );
    });
    page.push_str("</div>\n");
}

/// Each cell: the larger picture, its figures, and the configuration that repeats it.
fn details(page: &mut String, sweep: &Sweep, drawing: &Drawing<'_>) {
    let file = &sweep.file;
    page.push_str("<h2>Settings</h2>\n");
    let large = file.cells.len() <= MOST_LARGE;
    for (number, cell) in file.cells.iter().enumerate() {
        let what = in_words(&file.axes, &cell.settings);
        let mut picture = large.then(|| drawing.picture(number, LARGE)).flatten();
        if let Some(picture) = &mut picture
            && let Some(bar) = scale_bar(sweep, picture.columns())
        {
            picture.draw_scale_bar(&bar);
        }
        let _ = writeln!(
            page,
            "<section id=\"cell-{number}\"><h3>{}</h3>{}",
            escaped(&what),
            picture.map_or_else(String::new, |picture| image(&picture, &what))
        );
        let values = cell.summary.keys();
        let values = values.map(|metric| format!("{metric} {}", cell.value_in_words(*metric)));
        let values: Vec<String> = values.collect();
        let _ = writeln!(page, "<p>{}</p>", escaped(&values.join(", ")));
        if let Some(run) = cell.runs.first() {
            let [_, x, y] = run.pixel_in_tissue_nm;
            let _ = writeln!(
                page,
                "<p>{} pixels of {x:.1} x {y:.1} nm of tissue</p>\n<details><summary>the configuration that repeats it</summary>\
                 <pre>{}</pre></details>",
                triple(run.image_shape_pixels, " x "),
                escaped(&run.configuration)
            );
        }
        page.push_str("</section>\n");
    }
}
