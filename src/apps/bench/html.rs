//! HTML page of the measurements, which needs no network.

use super::file::{BenchFile, DeviceFacts};
use super::table::result_table;
use super::table::{TextTable, head, short_names, tables};
use super::verdicts::results;
use crate::run::outputs::report_html::escaped;
use std::fmt::Write;

/// Style of the page. Wide tables scroll by themselves, so that the page fits a phone.
const STYLE: &str = "
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:1200px;margin:0 auto;padding:1rem;overflow-wrap:anywhere}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2rem;border-bottom:1px solid #8886}
.row{display:flex;flex-wrap:wrap;gap:1rem}
figure{margin:0;min-width:0;max-width:100%}
figure svg{max-width:100%;height:auto;display:block;background:#fff;color:#000}
figcaption{font-size:.85rem;opacity:.8}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.9rem}
td,th{padding:.15rem .8rem .15rem 0;text-align:left;vertical-align:top;white-space:nowrap}
table.head td{white-space:normal}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.warning{border-left:4px solid #d55e00;padding-left:.6rem;margin:.4rem 0}
";

/// Colours that the colour-blind tell apart, in the order of the devices.
const COLOURS: [&str; 7] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000",
];

/// Writes the whole page.
pub fn page(file: &BenchFile) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>simexm-gpu bench</title>\n<style>{STYLE}</style></head><body>\n<h1>simexm-gpu bench</h1>\n<table class=\"head\">"
    );
    for (what, value) in head(file) {
        let _ = write!(page, "<tr><th>{what}</th><td>{}</td></tr>", escaped(&value));
    }
    page.push_str("</table>\n");
    for device in &file.devices {
        if let Some(error) = &device.error {
            let (name, error) = (escaped(&device.name), escaped(error));
            let _ = writeln!(page, "<p class=\"warning\">{name} failed: {error}</p>");
        }
    }
    charts(&mut page, file);
    for shown in tables(file) {
        table(&mut page, &shown);
    }
    checksums(&mut page, file);
    page.push_str("</body></html>\n");
    page
}

fn table(page: &mut String, table: &TextTable) {
    if !table.title.is_empty() {
        let _ = writeln!(page, "<h2>{}</h2>", escaped(&table.title));
    }
    page.push_str("<div class=\"scroll\" tabindex=\"0\"><table>");
    let lines = std::iter::once(("th", &table.header));
    for (tag, line) in lines.chain(table.rows.iter().map(|row| ("td", row))) {
        page.push_str("<tr>");
        for (column, cell) in line.iter().enumerate() {
            let class = if column < table.words {
                ""
            } else {
                " class=\"n\""
            };
            let _ = write!(page, "<{tag}{class}>{}</{tag}>", escaped(cell));
        }
        page.push_str("</tr>");
    }
    page.push_str("</table></div>\n");
}

/// Writes every integer result, and whether the devices agree.
fn checksums(page: &mut String, file: &BenchFile) {
    let devices: Vec<&DeviceFacts> = file.devices.iter().collect();
    let names = short_names(&file.devices);
    if devices.len() > 1 {
        let (line, defects) = result_table(&results(&devices), &names);
        let class = match defects {
            Some(_) => " class=\"warning\"",
            None => "",
        };
        let _ = writeln!(
            page,
            "<h2>Integer results</h2>\n<p{class}>{}</p>",
            escaped(&line)
        );
        if let Some(defects) = defects {
            table(page, &defects);
        }
    }
    for device in devices {
        let mut rows = Vec::new();
        for run in &device.runs {
            for c in &run.checksums {
                rows.push(
                    [&run.job, &run.size, &c.stage, &c.result, &c.crc32]
                        .map(Clone::clone)
                        .to_vec(),
                );
            }
        }
        let shown = TextTable {
            title: String::new(),
            header: ["job", "size", "stage", "result", "CRC-32"]
                .map(ToOwned::to_owned)
                .to_vec(),
            words: 5,
            rows,
        };
        let _ = write!(
            page,
            "<details><summary>checksums of {}</summary>",
            escaped(&device.name)
        );
        table(page, &shown);
        page.push_str("</details>\n");
    }
}

/// Draws a chart for each job: time against voxels, both logarithmic, a line for each device.
fn charts(page: &mut String, file: &BenchFile) {
    let mut jobs: Vec<&str> = Vec::new();
    for run in file.devices.iter().flat_map(|device| &device.runs) {
        if !jobs.contains(&run.job.as_str()) {
            jobs.push(&run.job);
        }
    }
    page.push_str("<h2>Time of a run</h2>\n<div class=\"row\">");
    for job in jobs {
        let _ = write!(
            page,
            "<figure>{}<figcaption>{}: time of a whole run against the tissue's size in voxels</figcaption></figure>",
            chart(file, job),
            escaped(job)
        );
    }
    page.push_str("</div>\n");
}

/// Writes a power of ten in the largest of these units that is not above it.
fn power(decade: i32, units: &[(i32, &str)]) -> String {
    let unit = units.iter().find(|(unit, _)| *unit <= decade);
    let (unit, name) = unit.or(units.last()).copied().unwrap_or((0, ""));
    format!("{} {name}", 10f64.powi(decade - unit))
}

fn chart(file: &BenchFile, job: &str) -> String {
    const WIDTH: f64 = 420.0;
    const HEIGHT: f64 = 260.0;
    const LEFT: f64 = 70.0;
    const RIGHT: f64 = 28.0;
    const BELOW: f64 = 28.0;
    const LEGEND: f64 = 18.0;
    // The legend has lines of its own.
    let above = LEGEND * file.devices.len() as f64 + 8.0;
    let height = HEIGHT + above;
    let lines: Vec<Vec<[f64; 2]>> = file
        .devices
        .iter()
        .map(|device| {
            let runs = device.runs.iter().filter(|run| run.job == job);
            runs.map(|run| [run.voxels as f64, run.seconds.median.max(1e-9)])
                .collect()
        })
        .collect();
    let range = |axis: usize| {
        let values = lines.iter().flatten().map(|point| point[axis].log10());
        let low = values.clone().fold(f64::INFINITY, f64::min).floor();
        let high = values.fold(f64::NEG_INFINITY, f64::max).ceil();
        (low, high.max(low + 1.0))
    };
    let ((x_low, x_high), (y_low, y_high)) = (range(0), range(1));
    let x = |log: f64| LEFT + (log - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT);
    let y = |log: f64| height - BELOW - (log - y_low) / (y_high - y_low) * (HEIGHT - BELOW);
    let mut svg = format!(
        "<svg role=\"img\" aria-label=\"times of {}\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\"><g font-family=\"sans-serif\" font-size=\"14.5\" stroke-width=\"1\">",
        escaped(job)
    );
    for decade in x_low as i32..=x_high as i32 {
        let at = x(f64::from(decade));
        let label = power(decade, &[(6, "M"), (3, "k"), (0, "")]);
        let _ = write!(
            svg,
            "<path d=\"M{at:.1} {above}V{:.1}\" stroke=\"#ccc\"/><text x=\"{at:.1}\" y=\"{:.1}\" \
             text-anchor=\"middle\">{label}</text>",
            height - BELOW,
            height - 10.0
        );
    }
    for decade in y_low as i32..=y_high as i32 {
        let at = y(f64::from(decade));
        let label = power(decade, &[(0, "s"), (-3, "ms"), (-6, "us"), (-9, "ns")]);
        let _ = write!(
            svg,
            "<path d=\"M{LEFT} {at:.1}H{:.1}\" stroke=\"#ccc\"/><text x=\"{:.1}\" y=\"{:.1}\" \
             text-anchor=\"end\">{label}</text>",
            WIDTH - RIGHT,
            LEFT - 6.0,
            at + 4.0
        );
    }
    for (number, (line, name)) in lines.iter().zip(short_names(&file.devices)).enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let place = |point: &[f64; 2]| (x(point[0].log10()), y(point[1].log10()));
        let points: Vec<String> = line
            .iter()
            .map(|point| {
                let (x, y) = place(point);
                format!("{x:.1},{y:.1}")
            })
            .collect();
        let _ = write!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            points.join(" ")
        );
        for point in line {
            let (x, y) = place(point);
            let _ = write!(
                svg,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"
            );
        }
        let _ = write!(
            svg,
            "<path d=\"M{LEFT} {:.1}h20\" stroke=\"{colour}\" stroke-width=\"3\"/><text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            LEGEND * (number as f64 + 0.5),
            LEFT + 28.0,
            LEGEND * (number as f64 + 0.5) + 5.0,
            escaped(&name)
        );
    }
    svg.push_str("</g></svg>");
    svg
}
