use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use tiff::decoder::{Decoder, DecodingResult};
use tiff::tags::Tag;

use super::super::{
    ChannelInfo, Chunks, Compression, Content, EncodedPiece, OutputFolder, PixelType, StagedFile,
    Target, VolumeLayout, VolumeMetadata, VolumeSink, WriteError,
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
        chunks: Chunks::default(),
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
    let mut folder = OutputFolder::prepare(root, &[], &[Target::File(target.clone())], false)?;
    let writer = TiffStackWriter::create(folder.create(&target)?, layout)?;
    let mut sink: Box<dyn VolumeSink> = Box::new(writer);
    let encoder = sink.encoder();
    let encoded: Result<Vec<EncodedPiece>, _> =
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
    let values: Vec<u16> = (pages.iter().flatten().copied().collect::<Vec<u8>>())
        .chunks_exact(2)
        .map(|pair| u16::from_ne_bytes([pair[0], pair[1]]))
        .collect();
    let [least, most] = [values.iter().min(), values.iter().max()].map(Option::unwrap);
    assert_eq!(
        text.trim_end_matches('\n').to_owned() + "\n",
        format!(
            "ImageJ=1.54\nimages=2\nslices=2\nunit=um\nspacing=0.16\nloop=false\n\
         min={least}.0\nmax={most}.0\ntissue voxel : 8 x 0.325 x 0.2 nm\n0.5 um\nchannels: gr?n (#00ff40)\n"
        )
    );
    // On every page: ImageJ takes others for another type.
    decoder.seek_to_image(1).unwrap();
    let Ok(tiff::decoder::ifd::Value::List(colours)) = decoder.get_tag(Tag::ColorMap) else {
        panic!("no colours");
    };
    decoder.seek_to_image(0).unwrap();
    let colours: Vec<u16> = colours.into_iter().map(|c| c.into_u16().unwrap()).collect();
    assert_eq!(
        [colours[255], colours[511], colours[767]],
        [0, 0xffff, 0x4040]
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

/// The extremes are known when the last page is there, and stand at the start of the file.
#[test]
fn a_composite_has_a_page_for_each_channel_and_tells_what_each_holds() {
    let root = tempfile::tempdir().unwrap();
    for compression in [Compression::None, Compression::Deflate] {
        for pixel in [PixelType::Gray8, PixelType::Gray16] {
            let mut layout = layout([3, 20, 17], pixel, Content::Intensity, compression);
            let mut second = layout.metadata.channels[0].clone();
            second.name = "two".to_owned();
            layout.metadata.channels.push(second);
            let bytes = layout.page_bytes();
            // The first channel holds 1 to 3, the second 5 times as much.
            let page = |value: usize| match pixel {
                PixelType::Gray8 => vec![value as u8; bytes],
                _ => (value as u16).to_ne_bytes().repeat(bytes / 2),
            };
            let slices: Vec<Vec<u8>> = (1..4).map(|z| [page(z), page(5 * z)].concat()).collect();
            let name = format!("{compression}_{pixel:?}.tiff");
            let path = write(root.path(), &name, layout.clone(), &slices).unwrap();
            let mut decoder = Decoder::new(BufReader::new(fs::File::open(path).unwrap())).unwrap();
            let text = decoder.get_tag_ascii_string(Tag::ImageDescription).unwrap();
            for line in [
                "images=6\nchannels=2\nslices=3\nhyperstack=true\nmode=composite\n",
                "min=1.0\nmax=3.0\n",
                // The word channels before a colon is ImageJ's.
                "\nall channels: gr?n (#00ff40), two (#00ff40)\n",
            ] {
                assert!(text.contains(line), "{line} in {text}");
            }
            // ImageJ undoes no predictor behind Deflate.
            for absent in [Tag::ColorMap, Tag::Predictor] {
                assert!(decoder.find_tag(absent).unwrap().is_none());
            }
            let words = decoder.get_tag(Tag::Unknown(50_838)).unwrap();
            let counts: Vec<u32> = words.into_u32_vec().unwrap();
            let block = decoder.get_tag_u8_vec(Tag::Unknown(50_839)).unwrap();
            let kinds = imagej_block(&counts, &block);
            let names: Vec<&str> = kinds.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, ["info", "labl", "rang", "luts"]);
            assert_eq!((kinds[1].1.len(), kinds[3].1.len()), (6, 2));
            let ends: Vec<f64> = kinds[2].1[0]
                .chunks_exact(8)
                .map(|end| f64::from_ne_bytes(end.try_into().unwrap()))
                .collect();
            assert_eq!(ends, [1.0, 3.0, 5.0, 15.0]);
            for (slice, expected) in slices.iter().enumerate() {
                for (channel, expected) in expected.chunks(bytes).enumerate() {
                    decoder.seek_to_image(2 * slice + channel).unwrap();
                    assert!(raw(decoder.read_image().unwrap()) == expected, "{name}");
                }
            }
            assert!(!decoder.more_images());
        }
    }
}

/// ImageJ's block, as its description of it says: kinds with the bytes of their parts.
fn imagej_block(counts: &[u32], block: &[u8]) -> Vec<(String, Vec<Vec<u8>>)> {
    let word = |at: usize| u32::from_ne_bytes(block[at..at + 4].try_into().unwrap());
    let letters = |at: usize| String::from_utf8(word(at).to_be_bytes().to_vec()).unwrap();
    assert_eq!(letters(0), "IJIJ");
    let mut at = counts[0] as usize;
    let mut lengths = counts[1..].iter().map(|&length| length as usize);
    let mut kinds = Vec::new();
    for entry in (4..at).step_by(8) {
        let parts = (0..word(entry + 4)).map(|_| {
            let start = at;
            at += lengths.next().unwrap();
            block[start..at].to_vec()
        });
        kinds.push((letters(entry), parts.collect()));
    }
    assert_eq!((at, lengths.next()), (block.len(), None));
    kinds
}

fn from_utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2);
    let units: Vec<u16> = units.map(|u| u16::from_ne_bytes([u[0], u[1]])).collect();
    String::from_utf16(&units).unwrap()
}

#[test]
fn imagej_learns_names_and_colours() {
    let mut metadata = metadata();
    let (counts, block) = metadata.imagej_block(3, 1, &[]);
    assert!(u64::try_from(block.len()).unwrap() < metadata.most_tag_bytes(3));
    let kinds = imagej_block(&counts, &block);
    let [(info, texts), (labels, names), (luts, ramps)] = kinds.as_slice() else {
        panic!("{kinds:?}");
    };
    assert_eq!(
        (info.as_str(), from_utf16(&texts[0]).as_str()),
        (
            "info",
            "tissue voxel = 8 x 0.325 x 0.2 nm\n0.5 µm\nchannels: grün (#00ff40)\n\
             voxel in the gel (z, x, y): 160 x 6.5 x 4 nm"
        )
    );
    let names: Vec<_> = names.iter().map(|name| from_utf16(name)).collect();
    assert_eq!(
        (labels.as_str(), names),
        ("labl", vec!["grün".to_owned(); 3])
    );
    assert_eq!((luts.as_str(), ramps[0].len()), ("luts", 768));
    let [red, green, blue] = [0, 256, 512].map(|start| &ramps[0][start..start + 256]);
    assert!(red.iter().all(|&part| part == 0));
    assert!((0..=255).eq(green.iter().copied()));
    assert_eq!((blue[0], blue[128], blue[255]), (0, 32, 64));

    // Several channels are one image in colour; ids have none.
    for channels in [vec![metadata.channels[0].clone(); 3], Vec::new()] {
        metadata.channels = channels;
        let (counts, block) = metadata.imagej_block(3, 1, &[]);
        let kinds = imagej_block(&counts, &block);
        assert_eq!(kinds.len(), 1);
        assert_eq!(kinds[0].0, "info");
    }
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
            OutputFolder::prepare(root.path(), &[], &[Target::File(target.clone())], false)
                .unwrap();
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
    let full = |pages: usize| {
        let file = StagedFile::with_file(
            fs::OpenOptions::new()
                .write(true)
                .open("/dev/full")
                .unwrap(),
            PathBuf::from("out/channel_0.tiff"),
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
