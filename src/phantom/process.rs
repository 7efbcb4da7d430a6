//! Centre lines of processes: smooth random walks that steer towards room.

use super::crowding::Crowding;
use super::grid::Walk;
use super::random::{Stream, Vec3, add_scaled, dot, normalised};
use super::tissue::GrowingTissue;

/// Cell that grows processes, with all that they need.
pub(super) struct Grower<'a> {
    pub(super) tissue: &'a mut GrowingTissue,
    pub(super) crowding: &'a mut Crowding,
    pub(super) stream: &'a mut Stream,
    pub(super) cell: u32,
}

/// Course of a process.
pub(super) struct Course<'a> {
    /// Start, in nm.
    pub(super) start: Vec3,
    /// Initial direction, a unit vector.
    pub(super) direction: Vec3,
    /// Length if nothing stops it.
    pub(super) length_nm: f64,
    /// Least length: a shorter process is given up, and none of its voxels stays.
    pub(super) min_length_nm: f64,
    /// Length over which it forgets its direction.
    pub(super) persistence_nm: f64,
    /// Radius in nm at a distance in nm from the start.
    pub(super) radius_nm: &'a dyn Fn(f64) -> f64,
}

/// Point of a centre line.
#[derive(Clone, Copy)]
pub(super) struct PathPoint {
    pub(super) position: Vec3,
    pub(super) direction: Vec3,
    pub(super) distance_nm: f64,
}

/// Centre line that was drawn.
pub(super) struct Trace {
    pub(super) samples: Vec<PathPoint>,
    /// True where it got as long as it should: it ended neither at the border nor at another cell.
    pub(super) complete: bool,
    /// Volume of the process at its planned radius.
    pub(super) volume_nm3: f64,
}

/// Voxel of a centre line with the point and radius of the process there.
struct Link {
    voxel: usize,
    position: Vec3,
    radius_nm: f64,
}

impl Grower<'_> {
    /// Draws a process into the tissue and starts its fronts. Returns `None` and changes nothing if
    /// it comes out too short or its start is taken by another cell.
    pub(super) fn draw(&mut self, course: &Course) -> Option<Trace> {
        let grid = self.tissue.grid;
        let first = grid.index(grid.voxel_at(course.start)?);
        if self.tissue.is_full() || !self.is_open(first) {
            return None;
        }
        let mut here = PathPoint {
            position: course.start,
            direction: course.direction,
            distance_nm: 0.0,
        };
        let mut samples = vec![here];
        let mut links = Vec::new();
        self.link(&mut links, first, here.position, (course.radius_nm)(0.0));
        let mut walk = Walk::Arrived;
        while walk == Walk::Arrived && here.distance_nm < course.length_nm && !self.tissue.is_full()
        {
            let step_nm =
                (0.5 * (course.radius_nm)(here.distance_nm)).max(0.5 * grid.min_voxel_nm());
            let bend = (step_nm / course.persistence_nm).sqrt().min(1.0);
            let Some(direction) = self.steer(&here, step_nm, bend) else {
                break;
            };
            let to = add_scaled(here.position, step_nm, direction);
            walk = grid.walk(here.position, to, |voxel, share| {
                let point = add_scaled(here.position, share * step_nm, direction);
                let radius_nm = (course.radius_nm)(here.distance_nm + share * step_nm);
                self.link(&mut links, voxel, point, radius_nm);
                !self.tissue.is_full()
            });
            let inside_nm = match walk {
                Walk::LeftVolume(share) => share * step_nm,
                Walk::Arrived | Walk::Stopped => step_nm,
            };
            here.position = add_scaled(here.position, inside_nm, direction);
            here.direction = direction;
            here.distance_nm += inside_nm;
            samples.push(here);
        }
        // Without a voxel of its own it only retraced its cell.
        if here.distance_nm < course.min_length_nm || links.is_empty() {
            for link in links {
                self.tissue.release(link.voxel);
            }
            return None;
        }
        let planned_nm3 = self.crowd(course, &samples);
        // Voxels coarser than the process: it takes more room than planned.
        let volume_nm3 = planned_nm3.max(links.len() as f64 * grid.voxel_volume_nm3());
        for link in links {
            self.tissue
                .start_front(link.voxel, self.cell, link.position, link.radius_nm);
        }
        let complete = walk == Walk::Arrived && here.distance_nm >= course.length_nm;
        Some(Trace {
            samples,
            complete,
            volume_nm3,
        })
    }

    /// Enters a process into the crowding; returns its planned volume in nm^3.
    fn crowd(&mut self, course: &Course, samples: &[PathPoint]) -> f64 {
        let mut volume_nm3 = 0.0;
        for pair in samples.windows(2) {
            let radius_nm = (course.radius_nm)(pair[0].distance_nm);
            let step_nm = pair[1].distance_nm - pair[0].distance_nm;
            let part_nm3 = std::f64::consts::PI * radius_nm * radius_nm * step_nm;
            self.crowding.add(pair[0].position, radius_nm, part_nm3);
            volume_nm3 += part_nm3;
        }
        volume_nm3
    }

    /// Returns true where a centre line may pass: the voxel is the cell's, or free with no other
    /// cell next to it.
    fn is_open(&self, voxel: usize) -> bool {
        match self.tissue.labels[voxel] {
            0 => !self
                .tissue
                .meets_another(self.tissue.grid.coordinates(voxel), self.cell),
            label => label == self.cell,
        }
    }

    fn link(&mut self, links: &mut Vec<Link>, voxel: usize, position: Vec3, radius_nm: f64) {
        if self.tissue.labels[voxel] == 0 && !self.tissue.is_full() {
            self.tissue.claim(voxel, self.cell);
            links.push(Link {
                voxel,
                position,
                radius_nm,
            });
        }
    }

    /// Picks the next direction: of a few random ones the one with most room ahead. Returns `None`
    /// if other cells are in the way of all of them.
    fn steer(&mut self, here: &PathPoint, step_nm: f64, bend: f64) -> Option<Vec3> {
        const CANDIDATES: usize = 8;
        let grid = self.tissue.grid;
        for bend in [bend, (3.0 * bend).min(1.0), 1.0] {
            let mut best: Option<(f64, Vec3)> = None;
            for _ in 0..CANDIDATES {
                let next = normalised(add_scaled(
                    here.direction,
                    1.5 * bend,
                    self.stream.in_ball(),
                ));
                let to = add_scaled(here.position, step_nm, next);
                if grid.walk(here.position, to, |voxel, _| self.is_open(voxel)) == Walk::Stopped {
                    continue;
                }
                let cost = 0.5 * (1.0 - dot(here.direction, next)) + self.crowd_ahead(to, next);
                if best.is_none_or(|(least, _)| cost < least) {
                    best = Some((cost, next));
                }
            }
            if let Some((_, next)) = best {
                return Some(next);
            }
        }
        None
    }

    /// Measures the crowding ahead, weighted towards what is near.
    fn crowd_ahead(&self, from: Vec3, direction: Vec3) -> f64 {
        let mut crowd = 0.0;
        for (ahead_nm, weight) in [(150.0, 1.0), (350.0, 0.5), (700.0, 0.33)] {
            let point = add_scaled(from, ahead_nm, direction);
            let voxel = self.tissue.grid.voxel_at(point);
            let taken = voxel.is_some_and(|v| !self.is_open(self.tissue.grid.index(v)));
            crowd += weight * (self.crowding.at(point) + if taken { 1.0 } else { 0.0 });
        }
        crowd
    }
}
