//! What the ImageDescription of a TIFF file says about its slices: the notes of ImageJ, OME and
//! tifffile.
//!
//! ImageJ's large stacks have one directory, `images=N` in its description, and the pixels of all N
//! slices one after the other behind the first; tifffile writes such files on request. TIFF readers
//! that go by directories see one page.

use tiff::decoder::ChunkType;
use tiff::tags::{ByteOrder, CompressionMethod, Tag};

use super::error::ImageError;
use super::raw::RawLayout;
use super::tiff_page::{Page, TiffDecoder, from_tiff};

/// Beyond this nothing is looked at; the elements that matter are near the beginning.
const DESCRIPTION_BYTES: usize = 1 << 16;

/// How many planes a file is said to hold, along its axes other than x and y.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Axes {
    /// Who says so.
    writer: &'static str,
    /// Planes along each axis, named for people.
    sizes: Vec<(String, usize)>,
    /// All of them adjoin behind the only directory, if the file has no more than one.
    adjoin: bool,
    /// Why the pages are not one volume, where that is known already.
    problem: Option<String>,
}

impl Axes {
    /// Reads the description of the decoder's current page, the first of its file.
    pub fn read(decoder: &mut TiffDecoder) -> Result<Self, ImageError> {
        Ok(Self::parse(&description(decoder)?))
    }

    fn parse(text: &str) -> Self {
        if text.starts_with("ImageJ=") {
            imagej(text)
        } else if text.starts_with('{') {
            tifffile(text)
        } else if text.contains("<OME") || text.contains("<ome:OME") || text.contains("<OME:OME") {
            ome(text)
        } else {
            Self::default()
        }
    }

    fn planes(&self) -> Option<usize> {
        (self.sizes.iter()).try_fold(1usize, |planes, (_, size)| planes.checked_mul(*size))
    }

    /// Slices of a file of one directory that adjoin in it, when there is more than one.
    pub fn adjoining(&self) -> Option<usize> {
        self.planes().filter(|&planes| self.adjoin && planes > 1)
    }

    /// Whether `slices` planes are the slices of one volume: one axis at most is longer than 1. Which
    /// one it is does not matter; tifffile calls the slices of a stack channels unless told otherwise,
    /// and a time series may be read as z.
    pub fn check(&self, slices: usize) -> Result<(), ImageError> {
        if let Some(problem) = &self.problem {
            return Err(ImageError::Unsupported(problem.clone()));
        }
        let long: Vec<String> = (self.sizes.iter())
            .filter(|(_, size)| *size > 1)
            .map(|(name, size)| format!("{size} {name}"))
            .collect();
        if slices > 1 && long.len() > 1 {
            return Err(ImageError::Unsupported(format!(
                "{} calls its pages {}; a volume has slices only: save one channel of one time point as a stack of its own",
                self.writer,
                long.join(" x ")
            )));
        }
        match self.planes() {
            Some(planes) if planes <= slices || self.writer != OME => Ok(()),
            _ => Err(ImageError::Unsupported(format!(
                "{} announces {} planes, but this file holds {slices}; save the whole stack in one file",
                self.writer,
                (self.planes()).map_or_else(|| "countless".to_owned(), |n| n.to_string()),
            ))),
        }
    }
}

const OME: &str = "its OME-XML";

fn imagej(text: &str) -> Axes {
    let number = |key: &str| -> Option<usize> {
        text.lines()
            .find_map(|line| line.trim_end_matches('\0').strip_prefix(key))?
            .trim()
            .parse()
            .ok()
    };
    let images = number("images=").unwrap_or(1);
    let axes = ["channels", "slices", "frames"];
    let mut sizes: Vec<_> = (axes.iter())
        .filter_map(|axis| Some(((*axis).to_owned(), number(&format!("{axis}="))?)))
        .collect();
    let product = (sizes.iter()).try_fold(1usize, |planes, (_, size)| planes.checked_mul(*size));
    // `images` counts what is there, whatever the axes say.
    if product != Some(images) && sizes.iter().filter(|(_, size)| *size > 1).count() < 2 {
        sizes = vec![("slices".to_owned(), images)];
    }
    Axes {
        writer: "its ImageJ description",
        sizes,
        adjoin: true,
        problem: None,
    }
}

/// tifffile's own note is the shape of the array, as JSON.
fn tifffile(text: &str) -> Axes {
    let note: serde_json::Value =
        serde_json::from_str(text.trim_end_matches('\0')).unwrap_or_default();
    let shape: Option<Vec<usize>> = note["shape"].as_array().and_then(|shape| {
        (shape.iter())
            .map(|size| usize::try_from(size.as_u64()?).ok())
            .collect()
    });
    let planes = match shape.as_deref() {
        Some([planes @ .., _, _]) => planes,
        _ => &[],
    };
    let named = (planes.iter().enumerate()).map(|(axis, &size)| (format!("on axis {axis}"), size));
    Axes {
        writer: "its description by tifffile",
        sizes: named.collect(),
        adjoin: note["truncated"] == true,
        problem: None,
    }
}

fn ome(text: &str) -> Axes {
    let mut axes = Axes {
        writer: OME,
        ..Axes::default()
    };
    if text.contains("BinaryOnly ") {
        axes.problem = Some(
            "is one part of an OME-TIFF in several files; save the whole stack in one file"
                .to_owned(),
        );
        return axes;
    }
    let mut pixels = text.split("Pixels ").skip(1);
    let Some(first) = pixels.next() else {
        return axes;
    };
    let tag = first.split('>').next().unwrap_or_default();
    for (key, name) in [
        ("SizeC", "channels"),
        ("SizeZ", "slices"),
        ("SizeT", "times"),
    ] {
        let size = tag.split(key).nth(1).and_then(|rest| {
            let quoted = rest.trim_start_matches([' ', '=']);
            let quote = quoted.chars().next()?;
            quoted[quote.len_utf8()..].split(quote).next()?.parse().ok()
        });
        axes.sizes.extend(size.map(|size| (name.to_owned(), size)));
    }
    let more = pixels.count();
    if more > 0 {
        axes.problem = Some(format!(
            "{OME} names {} images; a volume is one of them: save it as a stack of its own",
            more + 1
        ));
    }
    axes
}

/// Looks for slices that adjoin behind the only page of a file.
pub(super) fn contiguous(
    decoder: &mut TiffDecoder,
    axes: &Axes,
    page: &Page,
    file_bytes: u64,
) -> Result<Option<RawLayout>, ImageError> {
    let Some(slices) = axes.adjoining() else {
        return Ok(None);
    };
    let whole_samples = page.samples.bits >= 8;
    if page.compression != CompressionMethod::None
        || decoder.get_chunk_type() != ChunkType::Strip
        || !whole_samples
    {
        return Ok(None);
    }
    let offsets = list(decoder, Tag::StripOffsets)?;
    let counts = list(decoder, Tag::StripByteCounts)?;
    let Some(&offset) = offsets.first() else {
        return Ok(None);
    };
    let adjoining = offsets
        .windows(2)
        .zip(&counts)
        .all(|(pair, &bytes)| pair[0].checked_add(bytes) == Some(pair[1]));
    if !adjoining {
        return Ok(None);
    }
    let layout = RawLayout {
        offset,
        shape: [slices, page.rows, page.columns],
        samples: page.samples,
        swapped: decoder.byte_order() != ByteOrder::native(),
    };
    match layout.bytes() {
        Some(needed) if needed <= file_bytes.saturating_sub(offset) => Ok(Some(layout)),
        _ => Err(ImageError::Corrupt(format!(
            "{} announces {slices} slices of {page}, but the file ends after {} bytes of pixels; it is cut short",
            axes.writer,
            file_bytes.saturating_sub(offset)
        ))),
    }
}

fn list(decoder: &mut TiffDecoder, tag: Tag) -> Result<Vec<u64>, ImageError> {
    let values = decoder.find_tag_unsigned_vec(tag).map_err(from_tiff)?;
    Ok(values.unwrap_or_default())
}

/// Read as bytes: ImageJ has written Latin-1, which the decoder's text type refuses.
fn description(decoder: &mut TiffDecoder) -> Result<String, ImageError> {
    let mut ifd = decoder.image_ifd();
    let Some(entry) = ifd.find_entry(Tag::ImageDescription) else {
        return Ok(String::new());
    };
    let length = usize::try_from(entry.count()).unwrap_or(DESCRIPTION_BYTES);
    let mut bytes = vec![0; length.min(DESCRIPTION_BYTES)];
    ifd.find_tag_bytes(Tag::ImageDescription, &mut bytes, 0)
        .map_err(from_tiff)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::Axes;

    fn refusal(text: &str, slices: usize) -> String {
        match Axes::parse(text).check(slices) {
            Ok(()) => String::new(),
            Err(error) => error.at("f".as_ref(), None).to_string(),
        }
    }

    #[test]
    fn descriptions_of_one_axis_are_volumes() {
        for (text, adjoining) in [
            ("ImageJ=1.53\nimages=5\nslices=5\nunit=um\n", Some(5)),
            ("ImageJ=1.53\nimages=5\nchannels=5\n\0", Some(5)),
            (
                "ImageJ=1.53\nimages=5\nchannels=1\nslices=1\nframes=5\n",
                Some(5),
            ),
            ("ImageJ=1.53\nimages=5\nhyperstack=true\n", Some(5)),
            ("ImageJ=1.53\nunit=um\n", None),
            ("{\"shape\": [5, 20, 17]}", None),
            (
                "{\"shape\": [1, 5, 20, 17], \"truncated\": true}\0",
                Some(5),
            ),
            ("{\"shape\": [20, 17]}", None),
            ("{\"shape\": \"no\"}", None),
            ("{ no json", None),
            (
                "<OME><Image><Pixels SizeC=\"1\" SizeT=\"1\" SizeZ='5' Type=\"uint8\"/></Image></OME>",
                None,
            ),
            ("<OME>", None),
            ("whatever", None),
        ] {
            let axes = Axes::parse(text);
            assert_eq!(axes.adjoining(), adjoining, "{text}");
            assert!(axes.check(5).is_ok(), "{text}");
        }
    }

    #[test]
    fn several_axes_and_parts_are_refused() {
        let ome = |pixels: &str| format!("<OME xmlns=\"x\"><Image ID=\"0\">{pixels}</Image></OME>");
        let pixels = |sizes: &str| ome(&format!("<Pixels Type=\"uint8\" {sizes}>"));
        for (text, word) in [
            (
                "ImageJ=1\nimages=24\nchannels=4\nslices=3\nframes=2\n".to_owned(),
                "4 channels x 3 slices x 2 frames",
            ),
            (
                "{\"shape\": [2, 3, 20, 17]}".to_owned(),
                "2 on axis 0 x 3 on axis 1",
            ),
            (
                pixels("SizeZ=\"12\" SizeC=\"2\" SizeT=\"1\""),
                "2 channels x 12 slices",
            ),
            (
                pixels("SizeZ=\"25\" SizeC=\"1\" SizeT=\"1\""),
                "announces 25 planes, but this file holds 24",
            ),
            (
                pixels("SizeZ=\"18446744073709551615\""),
                "planes, but this file holds 24",
            ),
            (
                ome("<Pixels SizeZ=\"12\"></Pixels><Pixels SizeZ=\"12\"></Pixels>"),
                "2 images",
            ),
            (
                "<OME><BinaryOnly MetadataFile=\"a.ome.tif\"/></OME>".to_owned(),
                "several files",
            ),
        ] {
            assert!(
                refusal(&text, 24).contains(word),
                "{text}: {}",
                refusal(&text, 24)
            );
        }
    }
}
