//! The picture shows the slices that passed.

use super::{About, Quicklook};
use crate::run::pipeline::TruthSlices;
use crate::show::picture::{PixelSize, Samples};

fn about(shape: [usize; 3], channels: usize, dyes: usize, bits: u32) -> About {
    let name = |what: &str, i: usize| format!("{what} {i}");
    About {
        title: "a run".to_owned(),
        shape,
        channels: (0..channels)
            .map(|i| (name("channel", i), [255, 128, 0]))
            .collect(),
        fluorophores: (0..dyes).map(|i| name("dye", i)).collect(),
        bits,
        pixel: PixelSize {
            gel_nm: [600.0, 100.0, 100.0],
            expansion: Some([4.0; 3]),
        },
    }
}

#[test]
fn slices_that_pass_in_parts_leave_middle_maximum_and_counts() {
    let shape = [7, 300, 200];
    let pixels = 300 * 200;
    for bits in [8, 16] {
        let value = |i: usize| ((i * 7919) % 60_000) as u16 >> (16 - bits);
        let values: Vec<u16> = (0..7 * pixels).map(value).collect();
        let bytes: Vec<u8> = match bits {
            8 => values.iter().map(|&v| v as u8).collect(),
            _ => bytemuck::cast_slice(&values).to_vec(),
        };
        let cells: Vec<u32> = (0..7 * pixels).map(|i| (i * 31 % 1000) as u32).collect();
        let mut seen = Quicklook::new(about(shape, 2, 1, bits), true);
        for range in [0..2, 2..3, 3..7] {
            let bytes_each = pixels * bits as usize / 8;
            let part = &bytes[range.start * bytes_each..range.end * bytes_each];
            seen.images(range.start, &[part, &vec![0; part.len()]]);
            seen.truth(TruthSlices {
                fluorophore: 0,
                sheet: 0,
                first: range.start,
                cells: &cells[range.start * pixels..range.end * pixels],
            });
        }
        for pixel in [0, 1, 777, pixels - 1] {
            let column = |z: usize| z * pixels + pixel;
            let most = (0..7).map(|z| values[column(z)]).max();
            assert_eq!(seen.channels[0].highest.id(pixel), u64::from(most.unwrap()));
            assert_eq!(
                seen.channels[0].middle.id(pixel),
                u64::from(values[column(3)])
            );
            assert_eq!(seen.truths[0].middle[pixel], cells[column(3)]);
            assert_eq!(
                Some(seen.truths[0].highest[pixel]),
                (0..7).map(|z| cells[column(z)]).max()
            );
        }
        assert_eq!(
            seen.channels[1].highest,
            if bits == 8 {
                Samples::U8(vec![0; pixels])
            } else {
                Samples::U16(vec![0; pixels])
            }
        );
        let [counts, dark] = seen.histograms() else {
            panic!("two channels")
        };
        assert_eq!(dark[0], 7 * pixels as u64);
        for which in [0, 3, 100] {
            let expected = values.iter().filter(|v| usize::from(**v) == which).count() as u64;
            assert_eq!(counts[which], expected);
        }
    }
}

#[test]
fn no_picture_is_wider_than_2000_pixels_or_without_sense() {
    for (shape, channels, dyes) in [
        ([5, 700, 773], 3, 3),
        ([1, 3000, 5000], 1, 1),
        ([3, 16, 12], 2, 2),
        ([2, 1, 1], 1, 0),
        ([2, 4000, 3], 7, 4),
    ] {
        let seen = Quicklook::new(about(shape, channels, dyes, 8), false);
        let picture = seen.draw(&[0, 5]);
        assert!(
            picture.columns() <= 2000,
            "{shape:?}: {}",
            picture.columns()
        );
        assert!(picture.rows() < 20_000, "{shape:?}: {}", picture.rows());
        let read = image::load_from_memory(&seen.png(&[0, 5])).expect("a PNG");
        assert_eq!(read.width() as usize, picture.columns());
    }
}

#[test]
fn panels_show_what_was_seen() {
    let shape = [1, 400, 400];
    let mut seen = Quicklook::new(about(shape, 2, 1, 8), false);
    let ramp: Vec<u8> = (0..160_000).map(|i| (i % 400 / 2) as u8).collect();
    seen.images(0, &[&ramp, &vec![0; 160_000]]);
    let cells: Vec<u32> = (0..160_000).map(|i| u32::from(i % 400 >= 200)).collect();
    seen.truth(TruthSlices {
        fluorophore: 0,
        sheet: 0,
        first: 0,
        cells: &cells,
    });
    let panels = seen.panels(&[0, 77], 400);
    let titles: Vec<&str> = panels.iter().map(|panel| panel.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "channel 0",
            "channel 1",
            "all channels",
            "ground truth dye 0"
        ]
    );
    let grey = &panels[0].rows[0].1;
    assert!(grey.pixel(9, 399)[0] > 250 && grey.pixel(9, 200)[0].abs_diff(128) < 4);
    assert_eq!(grey.pixel(9, 0), [0; 3]);
    let merged = &panels[2].rows[1].1;
    assert!(merged.pixel(9, 399)[0] > 250 && merged.pixel(9, 399)[2] == 0);
    let truth = &panels[3].rows[0].1;
    assert_eq!(truth.pixel(5, 300), crate::base::colour::of_cell(77));
    assert_eq!(truth.pixel(5, 100), [0; 3]);
}
