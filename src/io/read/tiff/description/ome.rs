//! OME-XML: which page is which plane of which image.

use super::super::super::error::ImageError;
use super::super::super::units::nanometres;
use super::{Axis, AxisKind, Described, Pages, Place, Series};
use roxmltree::{Document, Node, ParsingOptions};

const WRITER: &str = "its OME-XML";

/// `None` where the text is no OME-XML.
pub(super) fn read(text: &str, pages: &Pages<'_>) -> Result<Option<Described>, ImageError> {
    let options = ParsingOptions {
        // Comments are elements to nobody; an entity that stands for many others is no OME-XML.
        allow_dtd: false,
        nodes_limit: 1 << 24,
        ..ParsingOptions::default()
    };
    let document = match Document::parse_with_options(text, options) {
        Ok(document) => document,
        Err(error) => {
            return Ok(Some(Described {
                writer: WRITER,
                series: vec![super::whole(pages.full)],
                notes: vec![format!(
                    "{WRITER} cannot be read ({error}): its pages are taken for slices, in the order of the file"
                )],
            }));
        }
    };
    let root = document.root_element();
    if root.tag_name().name() != "OME" {
        return Ok(None);
    }
    if children(root, "BinaryOnly").next().is_some() {
        return Err(ImageError::Unsupported(
            "is one part of an OME-TIFF in several files; save the whole stack in one file"
                .to_owned(),
        ));
    }
    let mut series = Vec::new();
    let mut next = 0;
    for image in children(root, "Image") {
        for pixels in children(image, "Pixels") {
            let name = image
                .attribute("Name")
                .or(image.attribute("ID"))
                .unwrap_or("");
            series.push(one(root, pixels, name, &mut next, pages));
        }
    }
    if series.is_empty() {
        return Ok(None);
    }
    let mut notes = Vec::new();
    if let [only] = &series[..] {
        let held = only.planes.iter().flatten().count();
        if only.problem.is_none() && held == only.planes.len() && held < pages.full.len() {
            notes.push(format!(
                "{WRITER} names {held} of the {} pages; the others are left out",
                pages.full.len()
            ));
        }
    }
    Ok(Some(Described {
        writer: WRITER,
        series,
        notes,
    }))
}

fn children<'a, 'd: 'a>(node: Node<'a, 'd>, name: &'a str) -> impl Iterator<Item = Node<'a, 'd>> {
    node.children()
        .filter(move |child| child.is_element() && child.tag_name().name() == name)
}

fn size_nm(pixels: Node<'_, '_>, axis: &str) -> Option<f64> {
    let size: f64 = pixels
        .attribute(format!("PhysicalSize{axis}").as_str())?
        .trim()
        .parse()
        .ok()?;
    let unit = pixels
        .attribute(format!("PhysicalSize{axis}Unit").as_str())
        .unwrap_or("um");
    let nm = size * nanometres(unit)?;
    (nm.is_finite() && nm > 0.0).then_some(nm)
}

/// One image: its axes, and where its planes lie. `next` is the page of the first one whose place
/// is not told.
fn one(
    root: Node<'_, '_>,
    pixels: Node<'_, '_>,
    name: &str,
    next: &mut usize,
    pages: &Pages<'_>,
) -> Series {
    let whole = |node: Node<'_, '_>, key: &str| {
        node.attribute(key)
            .and_then(|text| text.trim().parse::<usize>().ok())
    };
    let size = |key: &str| whole(pixels, key).unwrap_or(1).max(1);
    // A channel of several samples is one plane.
    let samples =
        children(pixels, "Channel").map(|channel| whole(channel, "SamplesPerPixel").unwrap_or(1));
    let samples: Vec<usize> = samples.collect();
    let channels = match samples.iter().sum::<usize>() == size("SizeC") {
        true => samples.len(),
        false => size("SizeC"),
    };
    let (slices, times) = (size("SizeZ"), size("SizeT"));
    let order = pixels.attribute("DimensionOrder").unwrap_or("XYZCT");
    // The fastest axis comes first there, behind X and Y.
    let mut axes: Vec<Axis> = Vec::new();
    for letter in order.chars().rev() {
        match letter {
            'Z' => axes.push(Axis::new(AxisKind::Slices, slices)),
            'C' => axes.push(Axis::new(AxisKind::Channels, channels)),
            'T' => axes.push(Axis::new(AxisKind::Times, times)),
            _ => {}
        }
    }
    let text = format!("{name:?}, {slices} x {} x {}", size("SizeY"), size("SizeX"));
    let mut series = Series {
        name: text,
        axes,
        // The rows of a plane lie along Y.
        voxel_nm: ["Z", "Y", "X"].map(|axis| size_nm(pixels, axis)),
        ..Series::default()
    };
    let count = (series.axes.iter()).try_fold(1usize, |planes, axis| planes.checked_mul(axis.size));
    let Some(count) = count.filter(|&count| count <= pages.all && series.axes.len() == 3) else {
        series.problem = Some(format!(
            "{WRITER} announces {} planes, but this file holds {}; save the whole stack in one file",
            count.map_or_else(|| "countless".to_owned(), |count| count.to_string()),
            pages.full.len()
        ));
        return series;
    };
    series.planes = vec![None; count];
    let mut told = false;
    for data in children(pixels, "TiffData") {
        told = true;
        let own = children(data, "UUID")
            .next()
            .and_then(|uuid| uuid.text())
            .map(str::trim);
        if let (Some(file), Some(this)) = (own, root.attribute("UUID"))
            && file != this.trim()
        {
            continue;
        }
        let page = whole(data, "IFD");
        let planes = whole(data, "PlaneCount").unwrap_or(if page.is_some() { 1 } else { count });
        let first = series.axes.iter().fold(0usize, |index, axis| {
            let key = match axis.kind {
                AxisKind::Slices => "FirstZ",
                AxisKind::Channels => "FirstC",
                _ => "FirstT",
            };
            index
                .saturating_mul(axis.size)
                .saturating_add(whole(data, key).unwrap_or(0))
        });
        let start = page.unwrap_or(0);
        for step in 0..planes.min(count) {
            let (plane, page) = (first.saturating_add(step), start.saturating_add(step));
            if let Some(plane) = series.planes.get_mut(plane).filter(|_| page < pages.all) {
                *plane = Some(Place::page(page));
            }
        }
    }
    if !told {
        let mut rest = pages.full.iter().skip(*next);
        series
            .planes
            .fill_with(|| rest.next().map(|&page| Place::page(page)));
        *next += count;
    }
    series
}
