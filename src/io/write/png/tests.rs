use std::fs::File;
use std::io::BufReader;

use super::super::tests::{format, layout, pages, refusal, write};
use super::super::{Content, PixelType};

#[test]
fn a_slice_tells_its_size_and_what_it_is_and_nothing_of_the_time() {
    let root = tempfile::tempdir().unwrap();
    let layout = layout([2, 5, 7], PixelType::Rgb8, Content::Intensity);
    let pages = pages(&layout, 0);
    let mut layout = layout;
    // "α" is not Latin-1.
    for (name, in_latin_1) in [("grün", true), ("α", false)] {
        layout.metadata.channels[1].name = name.to_owned();
        let root = root.path().join(name);
        let files = write(&root, format("image sequence"), layout.clone(), &pages).unwrap();
        let file = BufReader::new(File::open(&files[1]).unwrap());
        let reader = png::Decoder::new(file).read_info().unwrap();
        let info = reader.info();
        let size = info.pixel_dims.unwrap();
        assert_eq!(size.unit, png::Unit::Meter);
        // 4 nm along a row, 6.5 nm along a column.
        assert_eq!((size.xppu, size.yppu), (250_000_000, 153_846_154));
        let mut texts: Vec<_> = info
            .uncompressed_latin1_text
            .iter()
            .map(|chunk| (chunk.keyword.as_str(), chunk.text.clone()))
            .collect();
        assert_eq!(texts.len(), 1 + usize::from(in_latin_1));
        texts.extend(
            info.utf8_text
                .iter()
                .map(|chunk| (chunk.keyword.as_str(), chunk.get_text().unwrap())),
        );
        let description = format!(
            "what it is\nchannels: rot (#c86432), {name} (#c86432), blau (#c86432)\n\
             voxel in the gel (z, x, y): 160 x 6.5 x 4 nm"
        );
        let wanted = [
            ("Software", "simexm-gpu".to_owned()),
            ("Description", description),
        ];
        assert_eq!(texts, wanted);
    }
}

#[test]
fn an_id_beyond_16_bits_is_named() {
    let narrow = layout([1, 2, 2], PixelType::Gray32, Content::Labels);
    let ids: Vec<u8> = [0u32, 7, 70_000, 1]
        .into_iter()
        .flat_map(u32::to_ne_bytes)
        .collect();
    let message = refusal(format("image sequence"), narrow, &[ids]);
    assert!(
        message.contains("the id 70000 ") && message.contains("format = \"tiff\""),
        "{message}"
    );
    let wide = layout([1, 1, 1], PixelType::Gray64, Content::Labels);
    let id = (u64::MAX - 1).to_ne_bytes().to_vec();
    let message = refusal(format("image sequence"), wide, &[id]);
    assert!(message.contains("18446744073709551614"), "{message}");
}

#[test]
fn the_projects_own_reader_reads_a_sequence_of_ids() {
    let root = tempfile::tempdir().unwrap();
    let layout = layout([12, 5, 7], PixelType::Gray32, Content::Labels);
    let pages = pages(&layout, 300);
    write(root.path(), format("image sequence"), layout, &pages).unwrap();
    let source = crate::io::read::open(&root.path().join("volume"), None).unwrap();
    assert_eq!(source.shape(), [12, 5, 7]);
    let mut slices = source.slices().unwrap();
    for (z, page) in pages.iter().enumerate() {
        let mut found = vec![0; 35];
        slices.read(z, 0..5, 0..7, &mut found).unwrap();
        let wanted = bytemuck::pod_collect_to_vec::<u8, u32>(page);
        assert!(
            found.iter().zip(&wanted).all(|(&a, &b)| a == u64::from(b)),
            "{z}"
        );
    }
}
