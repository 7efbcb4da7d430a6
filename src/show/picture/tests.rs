//! Colours, contrast and scale bars.

use super::{Contrast, Paint, Picture, PixelSize, SampleKind, Samples, ScaleBar, compose, length};

fn light(colour: [u8; 3], minimum: f64, maximum: f64) -> Paint {
    let gamma = 1.0;
    let contrast = Contrast {
        minimum,
        maximum,
        gamma,
    };
    Paint::Light { colour, contrast }
}

#[test]
fn light_adds_up_and_ids_lie_over_it() {
    let grey = Samples::U8(vec![0, 51, 255, 255]);
    let deep = Samples::U16(vec![0, 100, 200, 65535]);
    let float = Samples::F32(vec![0.0, 0.5, f32::NAN, 2.0]);
    let ids = Samples::U32(vec![0, 0, 9, 9]);
    let layers = [
        (&ids, Paint::Ids { opacity: 0.5 }),
        (&grey, light([255, 0, 0], 0.0, 255.0)),
        (&deep, light([200, 100, 0], 100.0, 200.0)),
        (&float, light([0, 0, 100], 0.0, 1.0)),
    ];
    let cell = crate::base::colour::of_cell(9);
    let over = |below: [u8; 3]| -> [u8; 3] {
        std::array::from_fn(|i| ((f64::from(below[i]) + f64::from(cell[i])) / 2.0).round() as u8)
    };
    let pixels = compose(&layers, 4);
    let expected = [
        [0, 0, 0],
        [51, 0, 50],
        over([255, 100, 0]),
        over([255, 100, 100]),
    ];
    assert_eq!(pixels, expected.concat());
}

#[test]
fn a_large_picture_is_composed_in_chunks() {
    let numbers: Vec<u16> = (0..70_000u32).map(|i| (i % 65_536) as u16).collect();
    let samples = Samples::U16(numbers.clone());
    let wide = Samples::U64(numbers.iter().map(|&n| n.into()).collect());
    let paint = light([255, 128, 0], 0.0, 65_535.0);
    let pixels = compose(&[(&samples, paint)], numbers.len());
    assert_eq!(pixels, compose(&[(&wide, paint)], numbers.len()));
    let last = (f64::from(numbers[69_999]) / 65_535.0 * 255.0).round() as u8;
    assert_eq!(pixels[69_999 * 3], last);
}

#[test]
fn automatic_contrast_leaves_outliers_out() {
    let mut values: Vec<u16> = (0..10_000u32).map(|i| (100 + i / 10) as u16).collect();
    values[5] = 0;
    values[7] = 60_000;
    let found = Contrast::automatic(&Samples::U16(values));
    assert!((100.0..105.0).contains(&found.minimum), "{found:?}");
    assert!((1094.0..=1099.0).contains(&found.maximum), "{found:?}");
    // A few bright pixels on an empty picture are all there is to see.
    let mut sparse = vec![0u8; 100_000];
    sparse[0] = 40;
    assert_eq!(Contrast::automatic(&Samples::U8(sparse)).maximum, 40.0);
    // An empty picture is black.
    let blank = Contrast::automatic(&Samples::U8(vec![0; 9]));
    assert_eq!(blank.share(0.0), 0.0);
    assert_eq!(
        Contrast::automatic(&Samples::F32(vec![f32::NAN])),
        Contrast::full(SampleKind::F32)
    );
}

#[test]
fn gamma_brightens_the_dark() {
    let contrast = |gamma| Contrast {
        minimum: 10.0,
        maximum: 110.0,
        gamma,
    };
    assert_eq!(contrast(1.0).share(60.0), 0.5);
    assert_eq!(contrast(0.5).share(35.0), 0.5);
    assert_eq!(contrast(2.0).share(60.0), 0.25);
    for gamma in [0.3, 1.0, 4.0] {
        assert_eq!(contrast(gamma).share(10.0), 0.0);
        assert_eq!(contrast(gamma).share(200.0), 1.0);
    }
}

#[test]
fn scale_bars_have_round_lengths_of_tissue_and_of_gel() {
    let size = PixelSize {
        gel_nm: [800.0, 108.0, 108.0],
        expansion: Some([4.5; 3]),
    };
    // 24 nm in tissue: 100 pixels are 2.4 um.
    let bar = ScaleBar::new(&size, 1.0, 100.0).expect("bar");
    assert_eq!(bar.label, "2 µm (9 µm in gel)");
    assert!((bar.pixels - 2000.0 / 24.0).abs() < 1e-9);
    let near = ScaleBar::new(&size, 20.0, 100.0).expect("bar");
    assert_eq!(near.label, "100 nm (450 nm in gel)");
    let gel = PixelSize {
        expansion: None,
        ..size
    };
    assert_eq!(ScaleBar::new(&gel, 1.0, 100.0).expect("bar").label, "10 µm");
    assert_eq!(ScaleBar::new(&gel, 1.0, 0.0), None);
    for (nm, text) in [
        (0.5, "0.5 nm"),
        (999.0, "999 nm"),
        (1000.0, "1 µm"),
        (2.5e6, "2.5 mm"),
        (22.5, "22.5 nm"),
    ] {
        assert_eq!(length(nm), text);
    }
}

#[test]
fn pictures_are_reduced_to_means_and_placed_within() {
    let rgb: Vec<u8> = (0..4 * 6 * 3).map(|i| i as u8).collect();
    let picture = Picture::from_rgb(4, 6, rgb).expect("size");
    let half = picture.reduced(2, 3);
    for (row, column) in [(0, 0), (1, 2)] {
        for part in 0..3 {
            let all: u32 = (0..4)
                .map(|i| u32::from(picture.pixel(2 * row + i / 2, 2 * column + i % 2)[part]))
                .sum();
            assert_eq!(u32::from(half.pixel(row, column)[part]), (all + 2) / 4);
        }
    }
    assert_eq!(picture.transposed().pixel(5, 3), picture.pixel(3, 5));
    assert_eq!(picture.nearest(8, 12).pixel(7, 1), picture.pixel(3, 0));
    let mut ground = Picture::new(5, 5, [9; 3]);
    ground.place(&picture, 3, 2);
    assert_eq!(ground.pixel(4, 4), picture.pixel(1, 2));
    assert_eq!(ground.pixel(2, 4), [9; 3]);
    assert_eq!(Picture::from_rgb(2, 2, vec![0; 3]), None);
}

#[test]
fn words_are_drawn() {
    let mut picture = Picture::new(30, 120, [0; 3]);
    picture.write("slice 12", 4.0, 5.0, 16.0, [255, 255, 0]);
    let lit = picture.rgb().iter().filter(|&&part| part > 100).count();
    assert!(lit > 60, "{lit}");
    let png = picture.to_png().expect("PNG");
    let read = image::load_from_memory(&png).expect("PNG").to_rgb8();
    assert_eq!(read.as_raw(), picture.rgb());
}

#[test]
fn outlines_are_the_borders_of_ids() {
    #[rustfmt::skip]
    let ids = Samples::U16(vec![
        1, 1, 1, 0,
        1, 1, 1, 2,
        1, 1, 1, 2,
    ]);
    #[rustfmt::skip]
    let expected = Samples::U16(vec![
        0, 0, 1, 0,
        0, 0, 1, 2,
        0, 0, 1, 2,
    ]);
    assert_eq!(ids.outlines(4), expected);
    assert_eq!(Samples::U8(vec![]).outlines(0), Samples::U8(vec![]));
}
