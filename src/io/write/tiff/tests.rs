use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use tiff::decoder::{Decoder, DecodingResult};
use tiff::tags::Tag;

use super::super::{
    ChannelInfo, Compression, Content, EncodedPage, OutputFolder, PixelType, StagedFile,
    VolumeLayout, VolumeMetadata, VolumeSink, WriteError,
};
use super::TiffStackWriter;

fn metadata() -> VolumeMetadata {
    VolumeMetadata {
        voxel_nm: [160.0, 6.5, 4.0],
        description: "tissue voxel = 8 x 0.325 x 0.2 nm\n0.5 µm".to_owned(),
        channels: vec![ChannelInfo {
            name: "grün".to_owned(),
            colour: [0, 255, 64],
        }],
    }
}

fn layout(
    shape: [usize; 3],
    pixel: PixelType,
    content: Content,
    compression: Compression,
) -> VolumeLayout {
    VolumeLayout {
        shape,
        pixel,
        content,
        compression,
        metadata: metadata(),
    }
}

/// Pages of repeatable bytes: smooth ramps with sudden steps.
fn pages(layout: &VolumeLayout) -> Vec<Vec<u8>> {
    let [depth, rows, columns] = layout.shape;
    let bytes = rows * columns * layout.pixel.bytes();
    (0..depth)
        .map(|z| {
            (0..bytes)
                .map(|i| (i / 3 + z * 91 + (i / 517) * (i % 7)) as u8)
                .collect()
        })
        .collect()
}

/// Writes `pages`, encoded on all threads, as `name` below `root`.
fn write(
    root: &Path,
    name: &str,
    layout: VolumeLayout,
    pages: &[Vec<u8>],
) -> Result<PathBuf, WriteError> {
    let target = PathBuf::from(name);
    let mut folder = OutputFolder::prepare(root, &[], std::slice::from_ref(&target), false)?;
    let writer = TiffStackWriter::create(folder.create(&target)?, layout)?;
    let mut sink: Box<dyn VolumeSink> = Box::new(writer);
    let encoder = sink.encoder();
    let encoded: Result<Vec<EncodedPage>, _> =
        pages.par_iter().map(|page| encoder.encode(page)).collect();
    for page in encoded? {
        sink.append(page)?;
    }
    sink.finish()?;
    folder.commit()?;
    Ok(root.join(target))
}

/// The pixels of a page as bytes.
fn raw(page: DecodingResult) -> Vec<u8> {
    match page {
        DecodingResult::U8(samples) => samples,
        DecodingResult::U16(samples) => bytemuck::cast_slice(&samples).to_vec(),
        DecodingResult::U32(samples) => bytemuck::cast_slice(&samples).to_vec(),
        DecodingResult::U64(samples) => bytemuck::cast_slice(&samples).to_vec(),
        _ => panic!("no unsigned samples"),
    }
}

#[test]
fn what_is_written_is_read_back() {
    let root = tempfile::tempdir().unwrap();
    let mut number = 0;
    for pixel in [
        PixelType::Gray8,
        PixelType::Gray16,
        PixelType::Gray32,
        PixelType::Gray64,
        PixelType::Rgb8,
    ] {
        for content in [Content::Labels, Content::Intensity] {
            for compression in [Compression::None, Compression::Deflate] {
                // One row; pages of one strip; and of several, the last of them shorter.
                for shape in [[1, 1, 5], [3, 20, 17], [2, 331, 401]] {
                    let layout = layout(shape, pixel, content, compression);
                    let pages = pages(&layout);
                    number += 1;
                    let name = format!("volume_{number}.tiff");
                    let path = write(root.path(), &name, layout, &pages).unwrap();
                    let file = fs::File::open(path).unwrap();
                    let mut decoder = Decoder::new(BufReader::new(file)).unwrap();
                    for (z, page) in pages.iter().enumerate() {
                        decoder.seek_to_image(z).unwrap();
                        assert_eq!(
                            decoder.dimensions().unwrap(),
                            (shape[2] as u32, shape[1] as u32)
                        );
                        assert!(
                            raw(decoder.read_image().unwrap()) == *page,
                            "{name}, page {z}"
                        );
                    }
                    assert!(!decoder.more_images());
                }
            }
        }
    }
}

#[test]
fn a_page_says_how_large_it_is_and_nothing_of_the_time() {
    let root = tempfile::tempdir().unwrap();
    let layout = layout(
        [2, 20, 17],
        PixelType::Gray16,
        Content::Intensity,
        Compression::Deflate,
    );
    let pages = pages(&layout);
    let one = write(root.path(), "one.tiff", layout.clone(), &pages).unwrap();
    let two = write(root.path(), "two.tiff", layout, &pages).unwrap();
    assert!(fs::read(&one).unwrap() == fs::read(two).unwrap());
    let file = fs::File::open(one).unwrap();
    let mut decoder = Decoder::new(BufReader::new(file)).unwrap();
    let text = decoder.get_tag_ascii_string(Tag::ImageDescription).unwrap();
    assert_eq!(
        text,
        "ImageJ=1.54\nimages=2\nslices=2\nunit=um\nspacing=0.16\nloop=false\n\
         tissue voxel : 8 x 0.325 x 0.2 nm\n0.5 um\nchannels: gr?n (#00ff40)\n"
    );
    // 1000 / 4 pixels per um along y, 1000 / 6.5 along x.
    for (tag, ratio) in [(Tag::XResolution, 250.0), (Tag::YResolution, 1000.0 / 6.5)] {
        let found = match decoder.get_tag(tag).unwrap() {
            tiff::decoder::ifd::Value::Rational(n, d) => f64::from(n) / f64::from(d),
            other => panic!("{other:?}"),
        };
        assert!((found / ratio - 1.0).abs() < 1e-12, "{found}");
    }
    let software = decoder.get_tag_ascii_string(Tag::Software).unwrap();
    assert_eq!(software, "simexm-gpu");
    assert!(decoder.find_tag(Tag::DateTime).unwrap().is_none());
}

#[test]
fn extreme_pixel_sizes_stay_fractions() {
    for nm in [
        1e-6,
        0.02,
        1.0 / 3.0,
        123.456_78,
        999.9,
        40_000.0,
        5e6,
        1e12,
    ] {
        let sizes = VolumeMetadata {
            voxel_nm: [1.0, nm, nm],
            description: String::new(),
            channels: Vec::new(),
        };
        let [along_y, _] = sizes.resolution();
        let found = f64::from(along_y.n) / f64::from(along_y.d);
        let sane = (0.02..1e6).contains(&nm);
        assert!(
            !sane || (found * nm / 1000.0 - 1.0).abs() < 1e-3,
            "{nm}: {found}"
        );
        assert!(found > 0.0 && found.is_finite());
    }
}

#[test]
fn a_volume_that_may_pass_4_gb_is_bigtiff() {
    let root = tempfile::tempdir().unwrap();
    for (slices, version) in [(200, 42u16), (5000, 43)] {
        let layout = layout(
            [slices, 1000, 1000],
            PixelType::Gray8,
            Content::Labels,
            Compression::Deflate,
        );
        let target = PathBuf::from("big.tiff");
        let mut folder =
            OutputFolder::prepare(root.path(), &[], std::slice::from_ref(&target), false).unwrap();
        let mut sink = TiffStackWriter::create(folder.create(&target).unwrap(), layout).unwrap();
        let page = sink.encoder().encode(&vec![7; 1_000_000]).unwrap();
        for _ in 0..slices {
            sink.append(page.clone()).unwrap();
        }
        let one_more = sink.append(page);
        assert!(matches!(one_more, Err(WriteError::PageCount { .. })));
        Box::new(sink).finish().unwrap();
        folder.commit().unwrap();
        let path = root.path().join(target);
        let head = fs::read(&path).unwrap();
        assert_eq!(u16::from_ne_bytes([head[2], head[3]]), version);
        let source = crate::io::read::open(&path, None).unwrap();
        assert_eq!(source.shape(), [slices, 1000, 1000]);
        let mut out = [0; 2];
        let mut reader = source.slices().unwrap();
        reader
            .read(slices - 1, 999..1000, 998..1000, &mut out)
            .unwrap();
        assert_eq!(out, [7, 7]);
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn pages_of_wrong_size_or_number_are_errors() {
    let root = tempfile::tempdir().unwrap();
    let layout = layout(
        [2, 3, 4],
        PixelType::Gray8,
        Content::Labels,
        Compression::None,
    );
    let short = write(
        root.path(),
        "a.tiff",
        layout.clone(),
        &[vec![0; 11], vec![0; 12]],
    );
    assert!(matches!(
        short,
        Err(WriteError::PageSize {
            expected: 12,
            found: 11
        })
    ));
    let few = write(root.path(), "a.tiff", layout, &[vec![0; 12]]);
    assert!(matches!(
        few,
        Err(WriteError::PageCount {
            expected: 2,
            found: 1,
            ..
        })
    ));
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
}

#[test]
fn ids_get_the_narrowest_type_that_holds_them() {
    for (largest, pixel) in [
        (0, PixelType::Gray8),
        (255, PixelType::Gray8),
        (256, PixelType::Gray16),
        (65_535, PixelType::Gray16),
        (65_536, PixelType::Gray32),
        (u64::from(u32::MAX), PixelType::Gray32),
        (u64::from(u32::MAX) + 1, PixelType::Gray64),
    ] {
        assert_eq!(PixelType::for_ids(largest), pixel);
    }
}

/// `/dev/full` takes every open and no byte.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named() {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    let full = |pages: usize| {
        let file = StagedFile::with_file(
            fs::OpenOptions::new()
                .write(true)
                .open("/dev/full")
                .unwrap(),
            PathBuf::from("out/channel_0.tiff"),
            Arc::new(AtomicBool::new(false)),
        );
        let layout = layout(
            [pages, 400, 400],
            PixelType::Gray16,
            Content::Intensity,
            Compression::None,
        );
        let mut sink = TiffStackWriter::create(file, layout)?;
        for _ in 0..pages {
            let page = sink.encoder().encode(&[0; 320_000])?;
            sink.append(page)?;
        }
        Box::new(sink).finish()
    };
    for pages in [1, 3] {
        let message = full(pages).unwrap_err().to_string();
        assert!(
            message.contains("out/channel_0.tiff") && message.contains("the disk is full"),
            "{message}"
        );
    }
}
