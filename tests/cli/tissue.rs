//! Light of the tissue itself, through the whole program.

use crate::gel::{floats, sharp};
use crate::support::{Workplace, read_stack};
use std::path::Path;

const SHAPE: [usize; 3] = [16, 40, 40];

fn mean(page: &[f32]) -> f64 {
    page.iter().map(|&value| f64::from(value)).sum::<f64>() / page.len() as f64
}

/// Mean grey value of each image of a channel.
fn greys(path: &Path) -> Vec<f64> {
    let values = read_stack(path).values;
    let pages = values.chunks_exact(SHAPE[1] * SHAPE[2]);
    pages
        .map(|page| page.iter().sum::<u64>() as f64 / page.len() as f64)
        .collect()
}

#[test]
fn tissue_shines_by_itself_where_no_layer_does() {
    let workplace = Workplace::new();
    // Background, but for a cell.
    let mut cells = vec![0u16; SHAPE.iter().product()];
    for (at, cell) in cells.iter_mut().enumerate() {
        *cell = u16::from(at % 40 >= 20);
    }
    workplace.volume(SHAPE, &cells);
    let light = [
        "labeling.a.labeling_density=0",
        "optics.channels.channel_1.laser_wavelength=450",
        "optics.channels.channel_1.laser_filter=[480, 600]",
    ];
    let shining = [
        "tissue.autofluorescence=0.01",
        "tissue.autofluorescence_of.full=1",
        "tissue.autofluorescence_of.outside=0.25",
    ];
    sharp(&workplace, &[&light[..], &shining].concat());
    workplace.simulate(&["--quiet"]);
    let out = workplace.path("out/tissue");
    let pages = floats(&out.join("expected/channel_1.tiff"));
    let of = |columns: std::ops::Range<usize>| {
        let all = pages[3..13].iter().flat_map(|page| {
            let rows = page.chunks_exact(40);
            rows.flat_map(|row| row[columns.clone()].to_vec())
        });
        mean(&all.collect::<Vec<f32>>())
    };
    let (outside, inside) = (of(2..18), of(22..38));
    assert!(inside > 0.0);
    assert!(
        (outside / inside - 0.25).abs() < 0.01,
        "{outside}, {inside}"
    );
    assert!(out.join("groundtruth/Flavin/all_cells.tiff").is_file());
    // Another dye may stand for it.
    let of_550 = ["tissue.autofluorescence_dye=ATTO 550"];
    sharp(&workplace, &[&shining[..], &of_550].concat());
    workplace.simulate(&["--quiet"]);
    let record = std::fs::read_to_string(out.join("simulation.toml")).unwrap();
    assert!(
        record.contains("autofluorescence_dye = \"ATTO550\""),
        "{record}"
    );
}

#[test]
fn a_haze_and_fading_hold_for_all_channels_that_say_nothing_of_them() {
    let workplace = Workplace::new();
    workplace.volume(SHAPE, &vec![1u16; SHAPE.iter().product()]);
    let two = |key: &str, value: &str| format!("optics.channels.channel_2.{key}={value}");
    let channel = [
        two("laser_wavelength", "550"),
        two("laser_filter", "[560, 650]"),
        two("irradiance", "10"),
        two("attenuation_length", "0.2"),
        two("haze", "3000"),
    ];
    let mut entries = vec![
        "labeling.a.region=full",
        "labeling.a.protein_density=0.05",
        "optics.boundary=dark",
        "detector.kind=ideal",
        // Images are 0.032 um apart: from 0 to 0.48 um.
        "tissue.attenuation_length=0.4",
        "tissue.haze=[[0.16, 1000], [0.32, 5000]]",
        "optics.exposure_time=0.02",
    ];
    entries.extend(channel.iter().map(String::as_str));
    sharp(&workplace, &entries);
    workplace.simulate(&["--quiet"]);
    let out = workplace.path("out/tissue");
    let light = |channel: usize| -> Vec<f64> {
        let pages = floats(&out.join(format!("expected/channel_{channel}.tiff")));
        pages.iter().map(|page| mean(page)).collect()
    };
    for (channel, length_um, haze) in [(1, 0.4, None), (2, 0.2, Some(3000.0))] {
        let light = light(channel);
        let grey = greys(&out.join(format!("simulation/channel_{channel}.tiff")));
        for image in 0..SHAPE[0] {
            let depth_um = 0.032 * image as f64;
            if (2..14).contains(&image) {
                let fades = (-(depth_um - 0.064) / length_um).exp();
                let found = light[image] / light[2];
                assert!(
                    (found / fades - 1.0).abs() < 0.03,
                    "{channel}, {image}: {found}, {fades}"
                );
            }
            let by_depth = 1000.0 + 4000.0 * ((depth_um - 0.16) / 0.16).clamp(0.0, 1.0);
            let expected = light[image] + 0.02 * haze.unwrap_or(by_depth);
            // 1600 pixels of Poisson numbers.
            let error = 5.0 * (expected / 1600.0).sqrt();
            let found = grey[image];
            assert!(
                (found - expected).abs() < error,
                "{channel}, {image}: {found}, {expected}"
            );
        }
    }
}

#[test]
fn layers_that_move_many_proteins_are_told() {
    let workplace = Workplace::new();
    workplace.volume(SHAPE, &vec![1u16; SHAPE.iter().product()]);
    let told = |entries: &[&str]| {
        sharp(&workplace, entries);
        let outcome = workplace.run(["config.toml", "--dry-run"]);
        outcome.stdout + &outcome.stderr
    };
    let dense = told(&["labeling.a.linkage=17.5", "labeling.a.protein_density=0.2"]);
    assert!(dense.contains("some 102 proteins in a voxel"), "{dense}");
    assert!(dense.contains("lower protein_density is faster"), "{dense}");
    let few = told(&[
        "labeling.a.linkage=17.5",
        "labeling.a.protein_density=0.001",
    ]);
    let together = told(&["labeling.a.protein_density=0.2"]);
    for text in [few, together] {
        assert!(!text.contains("proteins in a voxel"), "{text}");
    }
}
