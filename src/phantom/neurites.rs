//! Axons and dendrites: thickness, branches, and where they enter the volume.

use super::crowding::Crowding;
use super::process::{Course, Grower, PathPoint, Trace};
use super::random::{Stream, Vec3, add_scaled, normalised, perpendicular};
use super::tissue::GrowingTissue;

/// Piece of a neurite between two branchings, still to be drawn.
#[derive(Clone, Copy)]
pub(super) struct Branch {
    pub(super) start: Vec3,
    pub(super) direction: Vec3,
    pub(super) radius_nm: f64,
    /// Number of branchings before it.
    pub(super) order: u32,
}

/// Most branchings of a neurite on its way: its cell must not fill the volume with itself.
const MAX_ORDER: u32 = 4;

/// Draws a point on the border of the volume and a direction into it, as random straight lines
/// through the volume have them. Of a few it takes the least crowded.
pub(super) fn entrance(
    tissue: &GrowingTissue,
    crowding: &Crowding,
    stream: &mut Stream,
) -> (Vec3, Vec3) {
    const CANDIDATES: usize = 8;
    let extent = tissue.grid.extent_nm();
    let areas = [
        extent[1] * extent[2],
        extent[0] * extent[2],
        extent[0] * extent[1],
    ];
    let mut best = (f64::INFINITY, [0.0; 3], [0.0; 3]);
    for _ in 0..CANDIDATES {
        let mut pick = stream.range(0.0, areas[0] + areas[1] + areas[2]);
        let mut axis = 0;
        while axis < 2 && pick >= areas[axis] {
            pick -= areas[axis];
            axis += 1;
        }
        // Just inside, so that rounding cannot put the point outside.
        let mut start = [0, 1, 2].map(|a| extent[a] * stream.range(1e-6, 1.0 - 1e-6));
        let far = stream.unit() < 0.5;
        start[axis] = extent[axis] * if far { 1.0 - 1e-6 } else { 1e-6 };
        let mut inward = [0.0; 3];
        inward[axis] = if far { -1.0 } else { 1.0 };
        // The sum of the normal and a random unit vector follows the cosine law.
        let direction = normalised(add_scaled(inward, 1.0, stream.direction()));
        let cost: f64 = [0.0, 200.0, 500.0]
            .map(|ahead_nm| crowding.at(add_scaled(start, ahead_nm, direction)))
            .iter()
            .sum();
        let taken = tissue
            .grid
            .voxel_at(start)
            .is_none_or(|v| tissue.labels[tissue.grid.index(v)] != 0);
        let cost = cost + if taken { 10.0 } else { 0.0 };
        if cost < best.0 {
            best = (cost, start, direction);
        }
    }
    (best.1, best.2)
}

/// Draws an axon: thin and winding, with varicosities. Returns its volume in nm^3; `None` if it
/// found no room.
pub(super) fn axon(grower: &mut Grower, trunk: Branch, min_length_nm: f64) -> Option<f64> {
    let mut total_nm3 = None;
    let mut todo = vec![trunk];
    while let Some(branch) = todo.pop() {
        let length_nm = grower.stream.range(8_000.0, 60_000.0);
        let varicosities = Varicosities::draw(grower.stream, branch.radius_nm);
        let course = Course {
            start: branch.start,
            direction: branch.direction,
            length_nm,
            min_length_nm: if total_nm3.is_none() {
                min_length_nm
            } else {
                600.0
            },
            persistence_nm: 4_000.0,
            radius_nm: &|distance_nm| varicosities.radius_nm(distance_nm),
        };
        let Some(trace) = grower.draw(&course) else {
            continue;
        };
        total_nm3 = Some(total_nm3.unwrap_or(0.0) + trace.volume_nm3);
        bifurcate(grower.stream, &trace, &branch, branch.radius_nm, &mut todo);
    }
    total_nm3
}

/// Swellings along an axon, periodic over a length no axon piece of interest exceeds much.
struct Varicosities {
    radius_nm: f64,
    /// Centre, half length (nm) and swelling (nm added to the radius) of each.
    bumps: Vec<[f64; 3]>,
}

impl Varicosities {
    const PERIOD_NM: f64 = 24_000.0;

    fn draw(stream: &mut Stream, radius_nm: f64) -> Self {
        let mut bumps = Vec::new();
        let mut centre = stream.range(0.0, 4_000.0);
        while centre < Self::PERIOD_NM - 1_000.0 {
            let half_nm = stream.range(300.0, 800.0);
            bumps.push([centre, half_nm, radius_nm * stream.range(0.5, 2.0)]);
            centre += half_nm + stream.range(800.0, 4_500.0);
        }
        Self { radius_nm, bumps }
    }

    fn radius_nm(&self, distance_nm: f64) -> f64 {
        let position = distance_nm % Self::PERIOD_NM;
        let swelling: f64 = self
            .bumps
            .iter()
            .map(|&[centre, half_nm, swelling]| {
                let u = (position - centre) / half_nm;
                let rest = (1.0 - u * u).max(0.0);
                swelling * rest * rest
            })
            .sum();
        self.radius_nm + swelling
    }
}

/// Draws the branches of a dendrite: thick, tapering, with spines. Returns the volume in nm^3;
/// `None` if no branch found room.
pub(super) fn dendrite(
    grower: &mut Grower,
    branches: Vec<Branch>,
    min_length_nm: f64,
) -> Option<f64> {
    const MIN_RADIUS_NM: f64 = 200.0;
    let mut total_nm3 = None;
    let mut todo = branches;
    while let Some(branch) = todo.pop() {
        // A stem is stout where it leaves its soma.
        let thick = branch.radius_nm;
        let radius_nm = move |distance_nm: f64| {
            let lost = 0.03 * (distance_nm / 1_000.0) + 0.35 * (distance_nm / 2_000.0).min(1.0);
            let tapered = thick * (1.0 - if thick > 650.0 { lost } else { lost * 0.3 });
            tapered.max(MIN_RADIUS_NM.min(thick))
        };
        let course = Course {
            start: branch.start,
            direction: branch.direction,
            length_nm: grower.stream.range(4_000.0, 25_000.0),
            min_length_nm: if total_nm3.is_none() {
                min_length_nm
            } else {
                800.0
            },
            persistence_nm: 20_000.0,
            radius_nm: &radius_nm,
        };
        let Some(trace) = grower.draw(&course) else {
            continue;
        };
        total_nm3 = Some(total_nm3.unwrap_or(0.0) + trace.volume_nm3);
        let end_radius_nm = radius_nm(course.length_nm);
        bifurcate(
            grower.stream,
            &trace,
            &branch,
            0.85 * end_radius_nm,
            &mut todo,
        );
        for sample in spine_sites(grower.stream, &trace) {
            let spine_nm3 = spine(grower, &sample, radius_nm(sample.distance_nm));
            total_nm3 = Some(total_nm3.unwrap_or(0.0) + spine_nm3);
        }
    }
    total_nm3
}

/// Continues a piece that ended of itself with two branches.
fn bifurcate(
    stream: &mut Stream,
    trace: &Trace,
    parent: &Branch,
    radius_nm: f64,
    todo: &mut Vec<Branch>,
) {
    let branches = trace.complete && parent.order < MAX_ORDER;
    if let (true, Some(end)) = (branches, trace.samples.last()) {
        let aside = perpendicular(stream.direction(), end.direction);
        for turn in [stream.range(0.2, 0.6), -stream.range(0.3, 1.0)] {
            todo.push(Branch {
                start: end.position,
                direction: normalised(add_scaled(end.direction, turn, aside)),
                radius_nm,
                order: parent.order + 1,
            });
        }
    }
}

/// Picks the places of a dendrite that carry a spine.
fn spine_sites(stream: &mut Stream, trace: &Trace) -> Vec<PathPoint> {
    let mut sites = Vec::new();
    let mut next_nm = stream.range(300.0, 1_500.0);
    for sample in &trace.samples {
        if sample.distance_nm >= next_nm {
            sites.push(*sample);
            next_nm = sample.distance_nm + stream.range(400.0, 1_800.0);
        }
    }
    sites
}

/// Draws a spine, a neck with a head; returns its volume outside the shaft in nm^3, 0 if it found
/// no room.
fn spine(grower: &mut Grower, site: &PathPoint, shaft_radius_nm: f64) -> f64 {
    let neck_nm = grower.stream.range(55.0, 90.0);
    let head_nm = grower.stream.range(150.0, 300.0);
    let free_nm = grower.stream.range(400.0, 1_100.0);
    let length_nm = shaft_radius_nm + free_nm;
    let course = Course {
        start: site.position,
        direction: perpendicular(grower.stream.direction(), site.direction),
        length_nm,
        min_length_nm: shaft_radius_nm + 250.0,
        persistence_nm: 3_000.0,
        radius_nm: &|distance_nm| {
            let u = (distance_nm - length_nm) / (1.6 * head_nm);
            let rest = (1.0 - u * u).max(0.0);
            neck_nm + (head_nm - neck_nm) * rest * (2.0 - rest)
        },
    };
    match grower.draw(&course) {
        Some(trace) => trace.volume_nm3 * free_nm / length_nm,
        None => 0.0,
    }
}
