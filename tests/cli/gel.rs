//! Expansion and labels as they are in gels, through the whole program: what is written is held
//! against other files that are written.

use crate::support::{Workplace, physical, read_stack, write_stack};
use std::fs;
use std::path::Path;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::encoder::{Compression, colortype};

const USAGE: i32 = 2;

/// A microscope that shows each voxel of 8 nm as a pixel, and hardly blurs it: a point spread
/// function that was measured as a point. A layer `a` of all cells, and entries.
pub fn sharp(workplace: &Workplace, entries: &[&str]) {
    let point = [0.0f32, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0];
    let dark = [0.0f32; 9];
    let planes = [dark, point, dark].concat();
    let path = workplace.path("point.tif");
    write_stack::<colortype::Gray32Float>(&path, [3, 3, 3], &planes, Compression::Uncompressed);
    let path = format!("optics.psf_file={}", path.display());
    let image = format!(
        "groundtruth.image_path={}",
        workplace.path("cells.tif").display()
    );
    let output = format!("output.path={}", workplace.path("out").display());
    let common = [
        image.as_str(),
        "groundtruth.voxel_dim=[8, 8, 8]",
        "groundtruth.isotropic=true",
        "labeling.a.fluorophore=ATTO550",
        "labeling.a.labeling_density=1",
        "labeling.a.antibody_amp=1",
        "labeling.global_density=1",
        "expansion.factor=4",
        "optics.type=widefield",
        "optics.channels.channel_1.irradiance=10",
        "optics.psf=measured",
        path.as_str(),
        "optics.psf_voxel=[4, 4, 4]",
        "optics.objective_factor=40",
        "optics.pixel_size=1280",
        "optics.focal_plane_depth=32",
        "optics.exposure_time=0.01",
        "output.expected=true",
        output.as_str(),
        "output.name=tissue",
        "compute.backend=cpu",
        "compute.seed=7",
    ];
    let config = physical(&[&common, entries].concat());
    workplace.write("config.toml", config.to_toml());
}

/// Values of a stack of 32-bit floating-point numbers, page by page.
pub fn floats(path: &Path) -> Vec<Vec<f32>> {
    let file = fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut decoder = Decoder::new(file).unwrap().with_limits(Limits::unlimited());
    let mut pages = Vec::new();
    loop {
        let DecodingResult::F32(page) = decoder.read_image().unwrap() else {
            panic!("not 32-bit floating-point numbers");
        };
        pages.push(page);
        if !decoder.more_images() {
            return pages;
        }
        decoder.next_image().unwrap();
    }
}

/// The only file of a folder of the output.
fn only(workplace: &Workplace, folder: &str) -> std::path::PathBuf {
    let mut files = fs::read_dir(workplace.path("out/tissue").join(folder)).unwrap();
    let file = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none(), "{folder} has one file");
    file
}

/// Expected electrons of all pixels, and along each axis the second moment around a place.
fn moments(workplace: &Workplace, [_, rows, columns]: [usize; 3], middle: f64) -> (f64, [f64; 3]) {
    let pages = floats(&only(workplace, "expected"));
    let (mut sum, mut squares) = (0.0, [0.0; 3]);
    for (z, page) in pages.iter().enumerate() {
        assert_eq!(page.len(), rows * columns);
        for (place, &electrons) in page.iter().enumerate() {
            let electrons = f64::from(electrons);
            sum += electrons;
            for (square, at) in squares
                .iter_mut()
                .zip([z, place / columns, place % columns])
            {
                *square += electrons * (at as f64 - middle).powi(2);
            }
        }
    }
    (sum, squares.map(|square| square / sum))
}

/// The mean square of a normal deviate that is rounded to a whole number.
fn rounded_square(deviation: f64) -> f64 {
    let beyond = |number: f64| libm::erfc(number / deviation / 2.0f64.sqrt());
    (1..40)
        .map(f64::from)
        .map(|number| (2.0 * number - 1.0) * beyond(number - 0.5))
        .sum()
}

#[test]
fn linkage_moves_the_light_as_far_as_it_says_before_and_after_expansion() {
    const SHAPE: [usize; 3] = [31, 31, 31];
    let workplace = Workplace::new();
    let mut cells = vec![0u16; SHAPE.iter().product()];
    cells[15 * 31 * 31 + 15 * 31 + 15] = 3;
    workplace.volume(SHAPE, &cells);
    let dense = ["labeling.a.protein_density=1", "labeling.a.region=full"];
    // A voxel of 512 proteins.
    let run = |entries: &[&str]| {
        let (mut electrons, mut squares) = (0.0, [0.0; 3]);
        for seed in 1..=20 {
            let seed = format!("compute.seed={seed}");
            sharp(
                &workplace,
                &[&dense[..], entries, &[seed.as_str()]].concat(),
            );
            workplace.simulate(&["--quiet"]);
            let (sum, found) = moments(&workplace, SHAPE, 15.0);
            electrons += sum / 20.0;
            for (all, one) in squares.iter_mut().zip(found) {
                *all += one / 20.0;
            }
        }
        (electrons, squares)
    };
    let (of_none, still) = run(&[]);
    for (entries, swollen) in [
        (["labeling.a.linkage=24", "labeling.a.labelled=before"], 1.0),
        (["labeling.a.linkage=24", "labeling.a.labelled=after"], 4.0),
    ] {
        let (electrons, squares) = run(&entries);
        assert!(
            (electrons / of_none - 1.0).abs() < 0.03,
            "{electrons}, not {of_none}"
        );
        for (moved, still) in squares.iter().zip(still) {
            // A third along each axis, rounded to whole voxels.
            let voxels: f64 = 24.0 / swollen / 8.0;
            let expected = rounded_square(voxels / 3.0f64.sqrt());
            let error = expected * (2.0f64 / (20.0 * 512.0)).sqrt();
            let found = moved - still;
            assert!(
                (found - expected).abs() < 4.0 * error,
                "{entries:?}: {found}, not {expected}"
            );
        }
    }
}

#[test]
fn retention_leaves_its_share_of_the_light() {
    const SHAPE: [usize; 3] = [8, 40, 40];
    let workplace = Workplace::new();
    workplace.volume(SHAPE, &vec![1u16; SHAPE.iter().product()]);
    let light = |entries: &[&str]| {
        sharp(
            &workplace,
            &[&["labeling.a.protein_density=0.02"], entries].concat(),
        );
        workplace.simulate(&["--quiet"]);
        moments(&workplace, SHAPE, 0.0).0
    };
    let all = light(&[]);
    let kept = light(&["labeling.a.retention=0.3"]);
    // Of 131072 proteins.
    assert!(
        (kept / all - 0.3).abs() < 4.0 * (0.3f64 / 131_072.0).sqrt(),
        "{}",
        kept / all
    );
}

#[test]
fn a_sheet_has_the_same_electrons_in_voxels_of_any_size() {
    const RADIUS_NM: f64 = 160.0;
    let per_nm2 = [4.0, 8.0, 16.0].map(|voxel_nm: f64| {
        let workplace = Workplace::new();
        let size = (384.0 / voxel_nm) as usize;
        let middle = size as f64 / 2.0;
        let place = |number: usize| number as f64 + 0.5 - middle;
        let cells: Vec<u16> = (0..size.pow(3))
            .map(|at| {
                let [z, x, y] = [at / size / size, at / size % size, at % size].map(place);
                u16::from((z * z + x * x + y * y).sqrt() * voxel_nm < RADIUS_NM)
            })
            .collect();
        workplace.volume([size; 3], &cells);
        sharp(
            &workplace,
            &[
                "labeling.a.membrane_density=0.05",
                &format!("groundtruth.voxel_dim=[{voxel_nm}, {voxel_nm}, {voxel_nm}]"),
                // The same pixels, slices and spread of light in all.
                "optics.pixel_size=2560",
                "optics.focal_plane_depth=64",
                "optics.psf_voxel=[64, 64, 64]",
            ],
        );
        workplace.simulate(&["--quiet"]);
        let area_nm2 = 4.0 * std::f64::consts::PI * RADIUS_NM * RADIUS_NM;
        moments(&workplace, [24; 3], 0.0).0 / area_nm2
    });
    let mean = per_nm2.iter().sum::<f64>() / 3.0;
    for found in per_nm2 {
        assert!((found / mean - 1.0).abs() < 0.05, "{per_nm2:?}");
    }
}

/// Rows of a table of numbers below its heads.
fn table(path: &Path, heads: &str) -> Vec<Vec<f64>> {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(heads));
    let row = |line: &str| line.split(',').map(|cell| cell.parse().unwrap()).collect();
    lines.map(row).collect()
}

/// 225 cells of 3 x 5 x 5 voxels, 5 apart, on one level; the middles of all.
fn many_cells(workplace: &Workplace) -> ([usize; 3], Vec<[usize; 3]>) {
    const SHAPE: [usize; 3] = [5, 152, 152];
    let cell = |x: usize, y: usize| 1 + (x - 2) / 10 * 15 + (y - 2) / 10;
    let inside = |x: usize| x >= 2 && (x - 2) % 10 < 5;
    let cells: Vec<u16> = (0..SHAPE.iter().product::<usize>())
        .map(|at| {
            let (z, x, y) = (at / 152 / 152, at / 152 % 152, at % 152);
            match (1..4).contains(&z) && inside(x) && inside(y) {
                true => cell(x, y) as u16,
                false => 0,
            }
        })
        .collect();
    workplace.volume(SHAPE, &cells);
    let middles = (0..225).map(|number| [2, 4 + number / 15 * 10, 4 + number % 15 * 10]);
    (SHAPE, middles.collect())
}

#[test]
fn the_code_book_is_read_back_from_the_expected_images() {
    let workplace = Workplace::new();
    let ([_, _, columns], middles) = many_cells(&workplace);
    let dyes = ["ATTO425", "ATTO488", "ATTO565", "ATTO647N"];
    let lights = [
        (425, [440, 470]),
        (488, [505, 530]),
        (560, [580, 620]),
        (640, [660, 720]),
    ];
    let mut entries: Vec<String> = ["barcode_layers=2", "barcode_levels=[0.4, 1]"]
        .map(|key| format!("labeling.{key}"))
        .to_vec();
    for (number, (dye, (laser, [from, to]))) in dyes.iter().zip(lights).enumerate() {
        let layer = ["a", "b", "c", "d"][number];
        for key in [
            format!("fluorophore={dye}"),
            "barcode=true".to_owned(),
            "region=full".to_owned(),
            "antibody_amp=1".to_owned(),
            "protein_density=0.05".to_owned(),
        ] {
            entries.push(format!("labeling.{layer}.{key}"));
        }
        let channel = format!("optics.channels.channel_{}", number + 1);
        entries.push(format!("{channel}.laser_wavelength={laser}"));
        entries.push(format!("{channel}.laser_filter=[{from}, {to}]"));
        entries.push(format!("{channel}.irradiance=10"));
    }
    let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    sharp(&workplace, &entries);
    workplace.simulate(&["--quiet"]);
    let book = table(
        &workplace.path("out/tissue/groundtruth/codes.csv"),
        "cell,a,b,c,d",
    );
    assert_eq!(book.len(), 225);
    let mut expected: Vec<_> = fs::read_dir(workplace.path("out/tissue/expected"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    expected.sort();
    assert_eq!(expected.len(), 4);
    // Whoever decodes knows the number of layers and the levels, not which cell has which.
    let light: Vec<Vec<f64>> = expected
        .iter()
        .map(|path| {
            let pages = floats(path);
            let around = |&[z, x, y]: &[usize; 3]| {
                let near = (x - 1..=x + 1).flat_map(|x| (y - 1..=y + 1).map(move |y| (x, y)));
                near.map(|(x, y)| f64::from(pages[z][x * columns + y]))
                    .sum()
            };
            middles.iter().map(around).collect()
        })
        .collect();
    let full: Vec<f64> = light
        .iter()
        .map(|channel| {
            let mut sorted = channel.clone();
            sorted.sort_by(f64::total_cmp);
            // A quarter of the cells have the dye at the upper level.
            sorted[sorted.len() * 7 / 8]
        })
        .collect();
    for row in &book {
        let cell = row[0] as usize;
        let seen = std::iter::zip(&light, &full).map(|(channel, full)| channel[cell - 1] / full);
        let read: Vec<f64> = seen
            .map(|share| match share {
                share if share > 0.7 => 1.0,
                share if share > 0.2 => 0.4,
                _ => 0.0,
            })
            .collect();
        assert_eq!(read, row[1..], "cell {cell}");
        assert_eq!(read.iter().filter(|level| **level > 0.0).count(), 2);
    }
}

#[test]
fn clusters_lie_where_the_table_says() {
    let workplace = Workplace::new();
    let ([slices, rows, columns], _) = many_cells(&workplace);
    sharp(
        &workplace,
        &[
            "labeling.a.region=full",
            "labeling.a.protein_density=0.004",
            "labeling.a.puncta_proteins=20",
        ],
    );
    workplace.simulate(&["--quiet"]);
    let path = workplace.path("out/tissue/groundtruth/puncta.csv");
    let text = fs::read_to_string(&path).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("layer,cell,z,x,y,proteins"));
    let cells = read_stack(&workplace.path("cells.tif")).values;
    let mut proteins = vec![0u64; slices * rows * columns];
    let mut count = 0;
    for line in lines {
        let words: Vec<&str> = line.split(',').collect();
        assert_eq!(words[0], "a");
        let [cell, z, x, y, of_cluster] =
            [1, 2, 3, 4, 5].map(|at| words[at].parse::<u64>().unwrap());
        let at = (z as usize * rows + x as usize) * columns + y as usize;
        assert_eq!(cells[at], cell, "{line}");
        proteins[at] += of_cluster;
        count += 1;
    }
    // 16875 voxels of 512 nm^3: 1728 clusters.
    assert!((1600..1860).contains(&count), "{count}");
    // All light comes from there: as much for each protein.
    let pages = floats(&only(&workplace, "expected")).concat();
    let all: f64 = pages.iter().map(|&electrons| f64::from(electrons)).sum();
    let each = all / proteins.iter().sum::<u64>() as f64;
    let alone = (0..proteins.len()).filter(|&at| {
        let (x, y) = (at / columns % rows, at % columns);
        let inside =
            at / columns / rows == 2 && (3..rows - 3).contains(&x) && (3..columns - 3).contains(&y);
        let near = |at: usize| {
            (at - columns - 1..at - columns + 2)
                .chain(at - 1..at + 2)
                .chain(at + columns - 1..at + columns + 2)
        };
        let plane = rows * columns;
        inside
            && proteins[at] > 0
            && [at - plane, at, at + plane]
                .into_iter()
                .flat_map(near)
                .filter(|&other| proteins[other] > 0)
                .count()
                == 1
    });
    let shares: Vec<f64> = alone
        .map(|at| f64::from(pages[at]) / each / proteins[at] as f64)
        .collect();
    assert!(shares.len() > 5, "{}", shares.len());
    for share in &shares {
        // What the blur leaves of a voxel's light in its pixel is the same for all.
        assert!((share / shares[0] - 1.0).abs() < 1e-3, "{shares:?}");
    }
}

#[test]
fn the_truth_is_warped_by_the_field_that_is_written_and_by_the_same_when_it_is_read() {
    const SHAPE: [usize; 3] = [12, 60, 50];
    let workplace = Workplace::new();
    let cells: Vec<u16> = (0..SHAPE.iter().product::<usize>())
        .map(|at| {
            let (z, x, y) = (at / 50 / 60, at / 50 % 60, at % 50);
            ((7 * (z / 4) + 5 * (x / 9) + 3 * (y / 7)) % 11) as u16
        })
        .collect();
    workplace.volume(SHAPE, &cells);
    let run = |entries: &[&str]| {
        let plain = ["labeling.a.region=full", "labeling.a.protein_density=0.001"];
        sharp(&workplace, &[&plain[..], entries].concat());
        workplace.simulate(&["--quiet"]);
        let truth = only(&workplace, "groundtruth/ATTO550");
        let channel = only(&workplace, "simulation");
        (read_stack(&truth).values, read_stack(&channel).values)
    };
    let (before, _) = run(&[]);
    let (after, image) = run(&["expansion.distortion=[[0.06, 0.02], [0.4, 0.02]]"]);
    assert_ne!(before, after);
    let written = workplace.path("out/tissue/groundtruth/displacement.tiff");
    let kept = workplace.path("field.tiff");
    fs::copy(&written, &kept).unwrap();
    let field = floats(&kept);
    assert_eq!(field.len(), 3 * SHAPE[0], "three channels of each slice");
    let [_, rows, columns] = SHAPE;
    let mut moved = 0;
    for (at, &found) in after.iter().enumerate() {
        let place = [at / columns / rows, at / columns % rows, at % columns];
        let from: [Option<usize>; 3] = std::array::from_fn(|axis| {
            let voxels = field[3 * place[0] + axis][place[1] * columns + place[2]];
            moved += usize::from(voxels.abs() > 0.5);
            let from = place[axis] as i64 - (voxels + 0.5).floor() as i64;
            usize::try_from(from)
                .ok()
                .filter(|from| *from < SHAPE[axis])
        });
        let id = match from {
            [Some(z), Some(x), Some(y)] => before[(z * rows + x) * columns + y],
            _ => 0,
        };
        assert_eq!(found, id, "{place:?}");
    }
    assert!(moved > before.len() / 10, "{moved}");
    let measured = format!("expansion.distortion_file={}", kept.display());
    let (again, image_again) = run(&[&measured]);
    assert_eq!(again, after);
    assert_eq!(image_again, image);
    assert_eq!(fs::read(&written).unwrap(), fs::read(&kept).unwrap());

    // As OME-Zarr, and back.
    let entries = [
        "labeling.a.region=full",
        "labeling.a.protein_density=0.001",
        "output.format=ome-zarr",
        "output.sim_channels=composite",
        "output.expected=false",
        "expansion.distortion=[[0.06, 0.02], [0.4, 0.02]]",
    ];
    sharp(&workplace, &entries);
    workplace.simulate(&["--quiet"]);
    let store = workplace.path("out/tissue/groundtruth/displacement.ome.zarr");
    let array = fs::read_to_string(store.join("0/zarr.json")).unwrap();
    assert!(array.contains("\"data_type\": \"float32\""), "{array}");
    let kept = workplace.path("field.ome.zarr");
    fs::rename(&store, &kept).unwrap();
    // The stores of this run would lie beside the stacks of the next one.
    fs::remove_dir_all(workplace.path("out/tissue")).unwrap();
    let (truth_again, image_again) =
        run(&[&format!("expansion.distortion_file={}", kept.display())]);
    assert_eq!(truth_again, after);
    assert_eq!(image_again, image);
}

#[test]
fn fields_that_do_not_fit_are_refused() {
    let workplace = Workplace::new();
    let path = workplace.path("field.tiff");
    let set = format!("expansion.distortion_file={}", path.display());
    let args = ["config.toml", "--set", &set];
    workplace.refuses(USAGE, &args, &["field.tiff"]);
    let small = vec![0.5f32; 3 * 20 * 20];
    write_stack::<colortype::Gray32Float>(&path, [3, 20, 20], &small, Compression::Uncompressed);
    workplace.refuses(USAGE, &args, &["field.tiff", "1 nodes along z", "needs 14"]);
    let odd = vec![0.5f32; 4 * 48 * 36];
    write_stack::<colortype::Gray32Float>(&path, [4, 48, 36], &odd, Compression::Uncompressed);
    workplace.refuses(USAGE, &args, &["field.tiff", "4 planes"]);
    let mut broken = vec![0.5f32; 42 * 48 * 36];
    broken[7] = f32::NAN;
    write_stack::<colortype::Gray32Float>(&path, [42, 48, 36], &broken, Compression::Uncompressed);
    workplace.refuses(USAGE, &args, &["field.tiff", "no number"]);
}
