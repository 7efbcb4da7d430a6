use super::*;

#[test]
fn an_oil_objective_and_a_water_objective_on_gels() {
    for row in table(include_str!("../../../../tests/data/physical/depth.csv")) {
        let f: Vec<f64> = row.into_iter().map(number).collect();
        let mut media = Media::new(f[2], f[1]);
        if f[1] > 1.5 {
            media.coverslip_index = 1.515;
            media.coverslip_design_index = 1.515;
        }
        let objective = Objective {
            numerical_aperture: f[0],
            media,
        };
        let seen = light(objective, FieldModel::Vectorial, 0.525);
        let (depth_um, shift_um) = (f[3], seen.best_shift_um(f[3]).unwrap());
        assert!((shift_um - f[4]).abs() < 0.1, "{f:?}: {shift_um}");
        let z: Vec<f64> = (0..=400).map(|at| f64::from(at - 200) * 0.02).collect();
        let focus = Focus { depth_um, shift_um };
        let h = seen.density(focus, &z, &[0.0]).unwrap().concat();
        let top = (0..h.len()).max_by(|a, b| h[*a].total_cmp(&h[*b])).unwrap();
        let peak = h[top];
        assert!((peak / f[5] - 1.0).abs() < 0.01, "{f:?}: {peak}");
        let cross = |inner: usize, outer: usize| {
            z[inner] + (h[inner] - 0.5 * peak) / (h[inner] - h[outer]) * (z[outer] - z[inner])
        };
        let right = (top..h.len()).find(|at| h[*at] < 0.5 * peak).unwrap();
        let left = (0..top).rev().find(|at| h[*at] < 0.5 * peak).unwrap();
        let width = cross(right - 1, right) - cross(left + 1, left);
        assert!((width / f[6] - 1.0).abs() < 0.01, "{f:?}: {width}");
    }
}

#[test]
fn nodes_where_kernels_mix_within_the_error() {
    let imaging = widefield(oil_on_gel());
    let nodes = depth_nodes(&imaging, [4.0, 24.0], 0.01, 0.02).unwrap();
    assert_eq!((nodes[0], nodes[nodes.len() - 1]), (4.0, 24.0));
    assert!((6..40).contains(&nodes.len()), "{nodes:?}");
    // Deeper kernels change more slowly.
    let spacing = |at: usize| nodes[at + 1] - nodes[at];
    assert!(spacing(0) < spacing(nodes.len() - 2));
    // A matched objective sees alike at any depth.
    let matched = depth_nodes(&widefield(water(1.15)), [0.0, 50.0], 0.01, 0.02).unwrap();
    assert_eq!(matched, [0.0]);
    assert!(depth_nodes(&imaging, [5.0, 4.0], 0.01, 0.02).is_err());
}

#[test]
fn mixtures_of_neighbouring_nodes() {
    let nodes = [1.0, 3.0, 4.0];
    assert_eq!(mixture(&nodes, 0.0), (0, 0.0));
    assert_eq!(mixture(&nodes, 1.0), (0, 0.0));
    assert_eq!(mixture(&nodes, 2.5), (0, 0.75));
    assert_eq!(mixture(&nodes, 3.0), (1, 0.0));
    assert_eq!(mixture(&nodes, 4.0), (2, 0.0));
    assert_eq!(mixture(&nodes, 9.0), (2, 0.0));
}
