//! Rounds of imaging, through the whole program: what is written of a round is held against what is
//! written of the first and of where it lies.

use crate::gel::{floats, sharp};
use crate::support::Workplace;
use std::fs;

const SHAPE: [usize; 3] = [12, 50, 40];

fn cells(workplace: &Workplace) {
    let cells: Vec<u16> = (0..SHAPE.iter().product::<usize>())
        .map(|at| {
            let (z, x, y) = (at / 40 / 50, at / 40 % 50, at % 40);
            ((7 * (z / 4) + 5 * (x / 9) + 3 * (y / 7)) % 11) as u16
        })
        .collect();
    workplace.volume(SHAPE, &cells);
}

#[test]
fn rounds_are_written_with_where_they_lie() {
    let workplace = Workplace::new();
    cells(&workplace);
    let entries = [
        "labeling.a.region=full",
        "labeling.a.protein_density=0.001",
        "rounds.number=3",
        "rounds.shift=[0.02, 0.06, 0.06]",
        "rounds.rotation=4",
        "rounds.warp=[[0.6, 0.05]]",
    ];
    sharp(&workplace, &entries);
    // The reach of the fields is in the plan's books.
    let plan = workplace.run(["plan", "config.toml"]).succeeded().stdout;
    assert!(plan.contains("for rounds of imaging"), "{plan}");
    let plan = workplace
        .run(["plan", "config.toml", "--json"])
        .succeeded()
        .stdout;
    assert!(plan.contains("displacements of round 3"), "{plan}");
    workplace.simulate(&["--quiet"]);
    let out = workplace.path("out/tissue");
    let names = |folder: &str| {
        let files = fs::read_dir(out.join(folder)).unwrap();
        let mut names: Vec<String> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let of_rounds = [1, 2, 3].map(|round| format!("round_{round}_channel_1.tiff"));
    assert_eq!(names("simulation"), of_rounds);
    assert_eq!(names("expected"), of_rounds);
    let image = |round: usize| floats(&out.join(format!("expected/round_{round}_channel_1.tiff")));
    let first = image(1);
    let [_, rows, columns] = SHAPE;
    for round in [2, 3] {
        let field = format!("groundtruth/displacement_round_{round}.tiff");
        let (found, field) = (image(round), floats(&out.join(field)));
        assert_eq!(field.len(), 3 * SHAPE[0]);
        let brightest = first.iter().flatten().copied().fold(0.0, f32::max);
        let mut moved = 0;
        for (z, page) in found.iter().enumerate() {
            for (at, &electrons) in page.iter().enumerate() {
                let place = [z, at / columns, at % columns];
                let from: [Option<usize>; 3] = std::array::from_fn(|axis| {
                    let voxels = field[3 * z + axis][at];
                    moved += usize::from(voxels.abs() > 0.5);
                    let from = place[axis] as i64 - (voxels + 0.5).floor() as i64;
                    let from = usize::try_from(from).ok();
                    from.filter(|from| *from < SHAPE[axis])
                });
                let expected = match from {
                    [Some(z), Some(x), Some(y)] => first[z][x * columns + y],
                    _ => 0.0,
                };
                // A little light falls on the pixels beside its own, which the warp moves apart.
                assert!(
                    (electrons - expected).abs() < 0.05 * brightest,
                    "round {round}, {place:?}: {electrons}, not {expected}"
                );
            }
        }
        assert!(moved > rows * columns, "{moved}");
    }
    let table = fs::read_to_string(out.join("groundtruth/rounds.csv")).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().map(|row| row.split(',').collect()).collect();
    assert_eq!(rows.len(), 4);
    assert!(rows.iter().all(|row| row.len() == 17), "{table}");
    assert_eq!(
        rows[1],
        "1,0,0,0,0,1,0,0,0,0,1,0,0,0,0,1,0"
            .split(',')
            .collect::<Vec<_>>()
    );
    assert!(rows[2][4].parse::<f64>().unwrap().abs() > 0.0);
    // The record repeats the run.
    let record = fs::read_to_string(out.join("simulation.toml")).unwrap();
    assert!(record.contains("[rounds]\nnumber = 3"), "{record}");
}

#[test]
fn rounds_without_a_warp_are_a_table() {
    let workplace = Workplace::new();
    cells(&workplace);
    sharp(
        &workplace,
        &[
            "rounds.number=2",
            "rounds.shift=[0, 0.3, 0]",
            "output.sim_channels=composite",
        ],
    );
    workplace.simulate(&["--quiet"]);
    let out = workplace.path("out/tissue");
    assert!(out.join("simulation/channels.tiff").is_file());
    assert!(out.join("groundtruth/rounds.csv").is_file());
    assert!(!out.join("groundtruth/displacement_round_2.tiff").exists());
    // A shift beyond what fields may hold is told by its key.
    sharp(&workplace, &["rounds.number=2", "rounds.shift=1e6"]);
    workplace.refuses(2, &["config.toml"], &["[rounds]", "at most 4095"]);
}
