//! Every format, written on all threads and read back by a decoder that is not the writer's.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rayon::prelude::*;

use super::{
    ChannelInfo, Compression, Content, OutputFolder, PixelType, VolumeFormat, VolumeLayout,
    VolumeMetadata, WriteError, create_volume, volume_files,
};

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

/// Writes `pages` as the volume `volume` below `root` and returns its files.
pub(super) fn write(
    root: &Path,
    format: VolumeFormat,
    layout: VolumeLayout,
    pages: &[Vec<u8>],
) -> Result<Vec<PathBuf>, WriteError> {
    let stem = Path::new("volume");
    let files = volume_files(stem, format, layout.shape[0]);
    let mut folder = OutputFolder::prepare(root, &[], &files, false)?;
    let mut sink = create_volume(&mut folder, stem, format, layout)?;
    let encoder = sink.encoder();
    let encoded: Result<Vec<_>, _> = pages.par_iter().map(|page| encoder.encode(page)).collect();
    for page in encoded? {
        sink.append(page)?;
    }
    sink.finish()?;
    folder.commit()?;
    Ok(files.iter().map(|file| root.join(file)).collect())
}

/// What a volume is that cannot be written.
pub(super) fn refusal(format: VolumeFormat, layout: VolumeLayout, pages: &[Vec<u8>]) -> String {
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

/// Writes a volume and compares what the files hold; false where the format does not know such pixels.
fn survives(format: VolumeFormat, layout: VolumeLayout, seed: usize) -> bool {
    let root = tempfile::tempdir().unwrap();
    let (pixel, content, shape) = (layout.pixel, layout.content, layout.shape);
    let pages = pages(&layout, seed);
    let files = match write(root.path(), format, layout, &pages) {
        Ok(files) => files,
        Err(WriteError::Format { .. }) => return false,
        Err(other) => panic!("{other}"),
    };
    let mut wanted: Vec<Vec<u64>> = pages.iter().map(|page| numbers(pixel, page)).collect();
    let found = match format {
        VolumeFormat::Tiff => from_tiff(&files[0], pixel),
        VolumeFormat::PngSequence => from_png(&files),
        // Its 256 colours are another test's.
        VolumeFormat::Gif if pixel == PixelType::Rgb8 => {
            let found = from_gif(&files[0]);
            assert_eq!(found.len(), shape[0]);
            assert!(found.iter().all(|page| page.len() == shape[1] * shape[2]));
            return true;
        }
        VolumeFormat::Gif => {
            if content == Content::Labels {
                for id in wanted.iter_mut().flatten().filter(|id| **id != 0) {
                    *id = 1 + (*id - 1) % 255;
                }
            }
            from_gif(&files[0])
        }
    };
    assert!(
        found == wanted,
        "{format:?} {pixel:?} {content:?} {shape:?}"
    );
    true
}

#[test]
fn formats_take_what_they_can_hold() {
    use PixelType as P;
    for format in [
        VolumeFormat::Tiff,
        VolumeFormat::Gif,
        VolumeFormat::PngSequence,
    ] {
        for content in [Content::Labels, Content::Intensity] {
            for pixel in ALL_PIXELS {
                let wanted = match (format, content) {
                    (VolumeFormat::Tiff, _) => true,
                    (VolumeFormat::Gif, Content::Intensity) => {
                        matches!(pixel, P::Gray8 | P::Rgb8)
                    }
                    (VolumeFormat::Gif, Content::Labels) => {
                        !matches!(pixel, P::Float32 | P::Rgb8 | P::Rgb16)
                    }
                    (VolumeFormat::PngSequence, Content::Intensity) => {
                        !matches!(pixel, P::Float32 | P::Gray32 | P::Gray64)
                    }
                    (VolumeFormat::PngSequence, Content::Labels) => pixel != P::Float32,
                };
                let found = survives(format, layout([11, 13, 17], pixel, content), 5);
                assert_eq!(found, wanted, "{format:?} {content:?} {pixel:?}");
            }
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
        for format in [VolumeFormat::Tiff, VolumeFormat::Gif, VolumeFormat::PngSequence] {
            survives(format, layout.clone(), seed.into());
        }
    }
}

#[test]
fn files_are_named_before_they_are_written() {
    let names = |format, slices| volume_files(Path::new("gt/cell.1"), format, slices);
    assert_eq!(names(VolumeFormat::Tiff, 3), [Path::new("gt/cell.1.tiff")]);
    assert_eq!(names(VolumeFormat::Gif, 3), [Path::new("gt/cell.1.gif")]);
    for (slices, first, last) in [
        (1, "image_0.png", "image_0.png"),
        (10, "image_0.png", "image_9.png"),
        (11, "image_00.png", "image_10.png"),
        (101, "image_000.png", "image_100.png"),
    ] {
        let files = names(VolumeFormat::PngSequence, slices);
        assert_eq!(files.len(), slices);
        assert_eq!(files[0], Path::new("gt/cell.1").join(first));
        assert_eq!(files[slices - 1], Path::new("gt/cell.1").join(last));
    }
}

#[test]
fn pages_of_wrong_size_or_number_are_errors() {
    for format in [
        VolumeFormat::Tiff,
        VolumeFormat::Gif,
        VolumeFormat::PngSequence,
    ] {
        for (pages, words) in [
            (vec![vec![0; 11], vec![0; 12]], "12 bytes, but 11"),
            (
                vec![vec![0; 12]],
                "1 pages were given, but the volume has 2",
            ),
            (
                vec![vec![0; 12]; 3],
                "3 pages were given, but the volume has 2",
            ),
        ] {
            let layout = layout([2, 3, 4], PixelType::Gray8, Content::Intensity);
            let message = refusal(format, layout, &pages);
            assert!(message.contains(words), "{format:?}: {message}");
        }
        let empty = layout([2, 0, 4], PixelType::Gray8, Content::Intensity);
        assert!(refusal(format, empty, &[]).contains("2"), "{format:?}");
    }
}
