//! What a TIFF file says about itself: the size of its voxels, its channels, whether it holds ids.

use crate::base::files::open_regular;
use crate::base::text::parse_of_axes;
use crate::io::write::Content;
use crate::show::picture::PixelSize;
use std::io::BufReader;
use std::path::Path;
use tiff::decoder::Decoder;
use tiff::tags::Tag;

/// Longest description that is looked at, in bytes.
const DESCRIPTION_BYTES: usize = 1 << 16;

/// What is known about a volume; all of it may be unknown.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Metadata {
    pub pixel: Option<PixelSize>,
    pub content: Option<Content>,
    /// Names and colours.
    pub channels: Vec<(String, [u8; 3])>,
}

impl Metadata {
    /// Reads the tags of the first page. A file that says nothing, or cannot be read, has none.
    pub(super) fn of_tiff(path: &Path) -> Self {
        let read = || {
            let mut decoder = Decoder::new(BufReader::new(open_regular(path).ok()?)).ok()?;
            let text = decoder.get_tag_ascii_string(Tag::ImageDescription).ok()?;
            if text.len() > DESCRIPTION_BYTES {
                return None;
            }
            let per_unit =
                [Tag::YResolution, Tag::XResolution].map(|tag| match decoder.get_tag(tag) {
                    Ok(tiff::decoder::ifd::Value::Rational(n, d)) if d > 0 => {
                        f64::from(n) / f64::from(d)
                    }
                    _ => 0.0,
                });
            Some(Self::parse(&text, per_unit))
        };
        // The decoder panics on some damaged files, of which others tell what is wrong.
        std::panic::catch_unwind(read)
            .ok()
            .flatten()
            .unwrap_or_default()
    }

    /// From ImageJ's description and TIFF's resolutions: pixels per unit along x and y.
    pub(super) fn parse(text: &str, per_unit: [f64; 2]) -> Self {
        let number = |key: &str| -> Option<f64> {
            let line = text
                .lines()
                .find_map(|line| line.trim().strip_prefix(key))?;
            line.trim().parse().ok()
        };
        let unit_nm = match text
            .lines()
            .find_map(|line| line.trim().strip_prefix("unit="))
        {
            Some("um" | "µm" | "micron" | "\\u00B5m") => Some(1e3),
            Some("nm") => Some(1.0),
            Some("mm") => Some(1e6),
            _ => None,
        };
        let expansion = text.lines().find_map(|line| {
            let (_, factor) = line.split_once("expansion factor ")?;
            parse_of_axes(factor)
        });
        let pixel = unit_nm.and_then(|nm| {
            let size = |per_unit: f64| nm / per_unit;
            let gel_nm = [
                number("spacing=").map_or(size(per_unit[0]), |spacing| spacing * nm),
                size(per_unit[0]),
                size(per_unit[1]),
            ];
            let sound = gel_nm.iter().all(|nm| nm.is_finite() && *nm > 0.0);
            sound.then_some(PixelSize { gel_nm, expansion })
        });
        let content = if text.contains("ids of cells") || text.contains("labelled with") {
            Some(Content::Labels)
        } else if text.contains("grey values") || text.contains("photons") {
            Some(Content::Intensity)
        } else {
            None
        };
        let channels = text
            .lines()
            .find_map(|line| line.trim_start_matches("all ").strip_prefix("channels: "));
        Self {
            pixel,
            content,
            channels: channels.map(parse_channels).unwrap_or_default(),
        }
    }
}

/// Names and colours as they are written: "red (#ff2010), blue (#3030ff)".
fn parse_channels(text: &str) -> Vec<(String, [u8; 3])> {
    let mut channels = Vec::new();
    for part in text.split("), ") {
        let Some((name, colour)) = part.trim_end_matches(')').rsplit_once(" (#") else {
            continue;
        };
        let part = |at: usize| {
            let digits = colour.get(at..at + 2)?;
            u8::from_str_radix(digits, 16).ok()
        };
        if let (Some(red), Some(green), Some(blue)) = (part(0), part(2), part(4)) {
            channels.push((name.to_owned(), [red, green, blue]));
        }
    }
    channels
}
