//! Every row of the table, written on all threads and read back by a decoder that is not the
//! writer's; and a format of pieces and trees that only tests have.

mod chunked;

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use self::chunked::Chunked;
use super::{
    ChannelInfo, Chunks, Compression, Content, IdStorage, OutputFolder, PixelType, SliceWriter,
    Target, VolumeLayout, VolumeMetadata, WRITE_FORMATS, WriteError, WriteFormat,
};
use crate::io::read::natural_order;

/// The format of a name.
pub(super) fn format(name: &str) -> &'static dyn WriteFormat {
    super::writer(name.parse().unwrap())
}

/// All rows, and the format that only tests have.
fn formats() -> Vec<&'static dyn WriteFormat> {
    let mut formats = WRITE_FORMATS.to_vec();
    formats.push(&Chunked);
    formats
}

pub(super) const ALL_PIXELS: [PixelType; 7] = [
    PixelType::Gray8,
    PixelType::Gray16,
    PixelType::Gray32,
    PixelType::Gray64,
    PixelType::Float32,
    PixelType::Rgb8,
    PixelType::Rgb16,
];

/// A layout with a channel for each sample.
pub(super) fn layout(shape: [usize; 3], pixel: PixelType, content: Content) -> VolumeLayout {
    let names = ["rot", "grün", "blau"];
    let channels = names[..pixel.samples()].iter().map(|name| ChannelInfo {
        name: (*name).to_owned(),
        colour: [200, 100, 50],
    });
    VolumeLayout {
        shape,
        pixel,
        content,
        compression: Compression::Deflate,
        chunks: Chunks::default(),
        metadata: VolumeMetadata {
            voxel_nm: [160.0, 6.5, 4.0],
            description: "what it is".to_owned(),
            channels: match content {
                Content::Labels => Vec::new(),
                Content::Intensity => channels.collect(),
            },
        },
    }
}

/// Writes `pages` as the volume `volume` below `root`, some at a time, and returns its files.
pub(super) fn write(
    root: &Path,
    format: &dyn WriteFormat,
    layout: VolumeLayout,
    pages: &[Vec<u8>],
) -> Result<Vec<PathBuf>, WriteError> {
    let stem = Path::new("volume");
    let target = format.target(stem);
    let mut folder = OutputFolder::prepare(root, &[], std::slice::from_ref(&target), false)?;
    let sink = format.create(&mut folder, stem, layout.clone())?;
    let mut writer = SliceWriter::new(sink, format, &layout);
    let mut rest = pages;
    for some in [1, 2, 6, 3, usize::MAX] {
        let (now, later) = rest.split_at(some.min(rest.len()));
        writer.write(now.len(), |slice| now[slice].as_slice().into())?;
        rest = later;
    }
    writer.finish()?;
    let entries = folder.commit()?;
    assert!(entries.iter().map(|entry| entry.bytes).sum::<u64>() <= format.most_bytes(&layout));
    let path = root.join(target.path());
    let Target::Tree(_) = target else {
        return Ok(vec![path]);
    };
    let mut files: Vec<_> = entries.iter().map(|entry| root.join(&entry.path)).collect();
    files.sort_by(|a, b| natural_order(&a.to_string_lossy(), &b.to_string_lossy()));
    assert!(files.iter().all(|file| file.starts_with(&path)));
    Ok(files)
}

/// What a volume is that cannot be written.
pub(super) fn refusal(format: &dyn WriteFormat, layout: VolumeLayout, pages: &[Vec<u8>]) -> String {
    let root = tempfile::tempdir().unwrap();
    let message = write(root.path(), format, layout, pages)
        .unwrap_err()
        .to_string();
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0, "no trace");
    message
}

/// Pages of repeatable bytes; of labels, their numbers below 65536, whatever the type.
pub(super) fn pages(layout: &VolumeLayout, seed: usize) -> Vec<Vec<u8>> {
    let [slices, rows, columns] = layout.shape;
    let samples = rows * columns * layout.pixel.samples();
    let page = |z: usize| -> Vec<u8> {
        let number = |i: usize| (seed + z * 91 + i / 3 * 7 + (i / 517) * (i % 7)) as u16;
        let numbers = (0..samples).map(number);
        match layout.pixel {
            PixelType::Gray8 | PixelType::Rgb8 => numbers.map(|n| n as u8).collect(),
            PixelType::Gray16 | PixelType::Rgb16 => numbers.flat_map(u16::to_ne_bytes).collect(),
            PixelType::Gray32 => numbers.flat_map(|n| u32::from(n).to_ne_bytes()).collect(),
            PixelType::Gray64 => numbers.flat_map(|n| u64::from(n).to_ne_bytes()).collect(),
            PixelType::Float32 => numbers
                .flat_map(|n| (f32::from(n) / 7.0).to_ne_bytes())
                .collect(),
        }
    };
    (0..slices).map(page).collect()
}

/// A page's samples as numbers.
fn numbers(pixel: PixelType, page: &[u8]) -> Vec<u64> {
    page.chunks_exact(pixel.sample_bytes())
        .map(|sample| {
            let mut bytes = [0; 8];
            bytes[..sample.len()].copy_from_slice(sample);
            u64::from_le_bytes(bytes)
        })
        .collect()
}

fn from_tiff(file: &Path, pixel: PixelType) -> Vec<Vec<u64>> {
    use tiff::decoder::{Decoder, DecodingResult as R};
    let mut decoder = Decoder::new(BufReader::new(File::open(file).unwrap())).unwrap();
    let mut pages = Vec::new();
    loop {
        pages.push(match decoder.read_image().unwrap() {
            R::U8(values) => values.into_iter().map(u64::from).collect(),
            R::U16(values) => values.into_iter().map(u64::from).collect(),
            R::U32(values) => values.into_iter().map(u64::from).collect(),
            R::U64(values) => values,
            R::F32(values) if pixel == PixelType::Float32 => {
                values.into_iter().map(|v| v.to_bits().into()).collect()
            }
            _ => panic!("other samples"),
        });
        if !decoder.more_images() {
            return pages;
        }
        decoder.next_image().unwrap();
    }
}

fn from_png(files: &[PathBuf]) -> Vec<Vec<u64>> {
    use image::DynamicImage as D;
    let of = |file: &PathBuf| match image::open(file).unwrap() {
        D::ImageLuma8(image) => image.into_raw().into_iter().map(u64::from).collect(),
        D::ImageRgb8(image) => image.into_raw().into_iter().map(u64::from).collect(),
        D::ImageLuma16(image) => image.into_raw().into_iter().map(u64::from).collect(),
        D::ImageRgb16(image) => image.into_raw().into_iter().map(u64::from).collect(),
        _ => panic!("{}: other pixels", file.display()),
    };
    files.iter().map(of).collect()
}

fn from_gif(file: &Path) -> Vec<Vec<u64>> {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::Indexed);
    let mut decoder = options.read_info(File::open(file).unwrap()).unwrap();
    let mut pages = Vec::new();
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        pages.push(frame.buffer.iter().map(|&place| u64::from(place)).collect());
    }
    pages
}

/// Writes a volume and compares what the files hold; false where the format does not know such
/// pixels.
fn survives(format: &dyn WriteFormat, layout: VolumeLayout, seed: usize) -> bool {
    let root = tempfile::tempdir().unwrap();
    let (pixel, content, shape) = (layout.pixel, layout.content, layout.shape);
    let pages = pages(&layout, seed);
    let files = match write(root.path(), format, layout, &pages) {
        Ok(files) => files,
        Err(WriteError::Format { .. }) => return false,
        Err(other) => panic!("{other}"),
    };
    let mut wanted: Vec<Vec<u64>> = pages.iter().map(|page| numbers(pixel, page)).collect();
    let found = match format.format().name {
        "tiff" => from_tiff(&files[0], pixel),
        "image sequence" => from_png(&files),
        "chunked" => Chunked::read(&files, shape, pixel)
            .iter()
            .map(|page| numbers(pixel, page))
            .collect(),
        // Its 256 colours are another test's.
        "gif" if pixel == PixelType::Rgb8 => {
            let found = from_gif(&files[0]);
            assert_eq!(found.len(), shape[0]);
            assert!(found.iter().all(|page| page.len() == shape[1] * shape[2]));
            return true;
        }
        "gif" => {
            if content == Content::Labels {
                for id in wanted.iter_mut().flatten().filter(|id| **id != 0) {
                    *id = 1 + (*id - 1) % 255;
                }
            }
            from_gif(&files[0])
        }
        "ome-zarr" => from_ome_zarr(&files[0], pixel),
        new => panic!("{new} has no decoder here"),
    };
    assert!(
        found == wanted,
        "{} {pixel:?} {content:?} {shape:?}",
        format.format().name
    );
    true
}

/// The pages of the finest level, by the reader.
fn from_ome_zarr(file: &Path, pixel: PixelType) -> Vec<Vec<u64>> {
    let is_store = |path: &&Path| path.to_string_lossy().ends_with(".ome.zarr");
    let store = file.ancestors().find(is_store).unwrap();
    if pixel == PixelType::Float32 {
        let channels = crate::io::read::float_channels(store, 1, 1 << 24).unwrap();
        let pages = channels.index_axis(ndarray::Axis(0), 0);
        let bits = |page: ndarray::ArrayView2<'_, f32>| {
            page.iter().map(|value| value.to_bits().into()).collect()
        };
        return pages.outer_iter().map(bits).collect();
    }
    let source = crate::io::read::open(store, None).unwrap();
    let [depth, rows, columns] = source.shape();
    let mut reader = source.slices().unwrap();
    let mut page = vec![0; rows * columns];
    let read = (0..depth).map(|z| {
        reader.read(z, 0..rows, 0..columns, &mut page).unwrap();
        page.clone()
    });
    read.collect()
}

/// Whether a format is meant to hold such pixels.
fn holds(format: &dyn WriteFormat, content: Content, pixel: PixelType) -> bool {
    use PixelType as P;
    match (format.format().name, content) {
        ("tiff" | "chunked", _) => true,
        ("gif", Content::Intensity) => matches!(pixel, P::Gray8 | P::Rgb8),
        ("gif", Content::Labels) => !matches!(pixel, P::Float32 | P::Rgb8 | P::Rgb16),
        ("image sequence", Content::Intensity) => {
            !matches!(pixel, P::Float32 | P::Gray32 | P::Gray64)
        }
        ("image sequence", Content::Labels) => pixel != P::Float32,
        ("ome-zarr", _) => !matches!(pixel, P::Rgb8 | P::Rgb16),
        (new, _) => panic!("{new}: what does it hold?"),
    }
}

#[test]
fn formats_take_what_they_can_hold() {
    for format in formats() {
        let name = format.format().name;
        for content in [Content::Labels, Content::Intensity] {
            for pixel in ALL_PIXELS {
                let found = survives(format, layout([11, 13, 17], pixel, content), 5);
                let wanted = holds(format, content, pixel);
                assert_eq!(found, wanted, "{name} {content:?} {pixel:?}");
            }
        }
        // What a run relies on: ids as the row says, and grey values of as many bits.
        let ids = match format.ids() {
            IdStorage::Numbers(most) => PixelType::for_ids(most),
            IdStorage::Colours => PixelType::Gray32,
        };
        assert!(holds(format, Content::Labels, ids), "{name}");
        let grey = format.format().grey_bits;
        assert!(grey < 16 || holds(format, Content::Intensity, PixelType::Gray16));
        assert!(holds(format, Content::Intensity, PixelType::Gray8));
    }
}

#[test]
fn the_upper_bound_of_the_size_holds_for_pixels_that_cannot_be_packed() {
    for format in formats() {
        for (content, pixel) in [
            (Content::Labels, PixelType::Gray32),
            (Content::Intensity, PixelType::Gray8),
            (Content::Intensity, PixelType::Rgb8),
            (Content::Intensity, PixelType::Rgb16),
        ] {
            if !holds(format, content, pixel) {
                continue;
            }
            let layout = layout([3, 150, 170], pixel, content);
            let mut state = 1u32;
            let mut random = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            };
            let mut page: Vec<u8> = (0..layout.page_bytes()).map(|_| random()).collect();
            if content == Content::Labels {
                let ids = page.as_chunks_mut::<4>().0;
                ids.iter_mut()
                    .for_each(|id| *id = (u32::from_ne_bytes(*id) >> 16).to_ne_bytes());
            }
            let root = tempfile::tempdir().unwrap();
            // The bound is compared there.
            write(root.path(), format, layout, &vec![page; 3]).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn odd_shapes_survive(
        slices in 1usize..13,
        rows in prop_oneof![Just(1), Just(2), Just(331), 1usize..50],
        columns in prop_oneof![Just(1), Just(3), Just(401), 1usize..50],
        pixel in proptest::sample::select(&ALL_PIXELS[..]),
        labels in any::<bool>(),
        compressed in any::<bool>(),
        seed in any::<u16>(),
    ) {
        let content = if labels { Content::Labels } else { Content::Intensity };
        let mut layout = layout([slices, rows, columns], pixel, content);
        if !compressed {
            layout.compression = Compression::None;
        }
        for format in formats() {
            survives(format, layout.clone(), seed.into());
        }
    }
}

#[test]
fn results_are_named_before_they_are_written() {
    let target = |name: &str| format(name).target(Path::new("gt/cell.1"));
    assert_eq!(target("tiff"), Target::File("gt/cell.1.tiff".into()));
    assert_eq!(target("gif"), Target::File("gt/cell.1.gif".into()));
    assert_eq!(target("image sequence"), Target::Tree("gt/cell.1".into()));
    for (slices, first, last) in [
        (1, "image_0.png", "image_0.png"),
        (10, "image_0.png", "image_9.png"),
        (11, "image_00.png", "image_10.png"),
        (101, "image_000.png", "image_100.png"),
    ] {
        let root = tempfile::tempdir().unwrap();
        let layout = layout([slices, 1, 1], PixelType::Gray8, Content::Intensity);
        let pages = pages(&layout, 0);
        let files = write(root.path(), format("image sequence"), layout, &pages).unwrap();
        assert_eq!(files.len(), slices);
        assert_eq!(files[0], root.path().join("volume").join(first));
        assert_eq!(files[slices - 1], root.path().join("volume").join(last));
    }
}

#[test]
fn slices_of_wrong_size_or_number_are_errors() {
    for format in formats() {
        let name = format.format().name;
        let layout = layout([2, 3, 4], PixelType::Gray8, Content::Intensity);
        // A piece that is never full is never given.
        let (size, one) = match format.format().piece_slices {
            1 => ("12 bytes, but 11".to_owned(), 1),
            slices => (format!("{} bytes, but 23", 12 * slices), 0),
        };
        let count = |found| format!("{found} pages were given, but the volume has 2");
        for (pages, words) in [
            (vec![vec![0; 11], vec![0; 12]], size),
            (vec![vec![0; 12]], count(one)),
            (vec![vec![0; 12]; 3], count(3)),
        ] {
            let layout = layout.clone();
            let message = refusal(format, layout, &pages);
            assert!(message.contains(&words), "{name}: {message}");
        }
        let empty = VolumeLayout {
            shape: [2, 0, 4],
            ..layout
        };
        assert!(refusal(format, empty, &[]).contains("2"), "{name}");
    }
}
