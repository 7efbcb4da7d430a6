//! What is to be loaded next, and where it goes.

use super::State;
use crate::apps::view::scene::Scene;
use crate::show::picture::Samples;
use std::sync::Arc;

/// Slices beyond the current one that are loaded ahead, on either side.
const AHEAD: usize = 3;

/// What is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The crosshairs, (z, x, y).
    pub position: [usize; 3],
    /// Whether sections through them are looked at.
    pub sections: bool,
    /// Whether the maximum along z is looked at, and not the slice.
    pub projection: bool,
    /// For each volume whether anything of it is looked at.
    pub volumes: Vec<bool>,
}

/// Something to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Job {
    pub volume: usize,
    pub z: usize,
    purpose: Purpose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Purpose {
    Slice,
    /// The row x and the column y; whole where all volumes fit into memory.
    Section {
        at: [usize; 2],
        whole: bool,
    },
    Projection,
}

impl Job {
    /// The row and the column, where these are all that is needed.
    pub(super) fn lines(self) -> Option<[usize; 2]> {
        match self.purpose {
            Purpose::Section { at, whole: false } => Some(at),
            _ => None,
        }
    }
}

/// What was read.
pub(super) enum Fetched {
    Whole(Arc<Vec<Samples>>),
    /// A row and a column.
    Lines(Vec<Samples>, Vec<Samples>),
}

/// The sections of a volume through a row and a column.
pub struct Section {
    at: [usize; 2],
    /// Along row x: (z, y), for each component.
    row: Vec<Samples>,
    /// Along column y: (z, x), for each component.
    column: Vec<Samples>,
    /// The slices in the order in which they are fetched, the nearest first, and how many are on
    /// their way.
    order: Vec<usize>,
    asked: usize,
    done: usize,
}

impl Section {
    /// The row x and the column y.
    #[must_use]
    pub fn at(&self) -> [usize; 2] {
        self.at
    }

    /// Samples (z, y) of row x.
    #[must_use]
    pub fn along_row(&self, component: usize) -> Option<&Samples> {
        self.row.get(component)
    }

    /// Samples (z, x) of column y.
    #[must_use]
    pub fn along_column(&self, component: usize) -> Option<&Samples> {
        self.column.get(component)
    }

    /// Whether all slices have come.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.done >= self.order.len()
    }

    fn new(scene: &Scene, volume: usize, [z, x, y]: [usize; 3]) -> Self {
        let volume = &scene.volumes[volume];
        let [slices, rows, columns] = scene.shape;
        let planes = |len| {
            let components = volume.planes.components();
            (0..components)
                .map(|_| volume.kind.zeros(slices * len))
                .collect()
        };
        let mut order: Vec<usize> = (0..slices).collect();
        order.sort_by_key(|slice| slice.abs_diff(z));
        Self {
            at: [x, y],
            row: planes(columns),
            column: planes(rows),
            order,
            asked: 0,
            done: 0,
        }
    }
}

/// The maximum along z.
pub(super) struct Projection {
    pub plane: Option<Vec<Samples>>,
    asked: usize,
    pub done: usize,
}

/// The most urgent job that nobody does yet.
pub(super) fn next(state: &mut State, scene: &Scene) -> Option<Job> {
    let wanted = state.wanted.clone();
    let [z, x, y] = wanted.position;
    let volumes =
        || (0..scene.volumes.len()).filter(|&volume| wanted.volumes.get(volume) == Some(&true));
    let slice = |state: &State, volume: usize, z: usize| {
        let job = Job {
            volume,
            z,
            purpose: Purpose::Slice,
        };
        let needed = z < scene.shape[0]
            && !state.cache.has(volume, z)
            && !state.busy.contains(&job)
            && !state.failures.contains_key(&(volume, z));
        needed.then_some(job)
    };
    if let Some(job) = volumes().find_map(|volume| slice(state, volume, z)) {
        return Some(job);
    }
    if wanted.sections {
        let whole = scene.bytes() <= state.cache.most();
        for volume in volumes() {
            let section = &mut state.sections[volume];
            if section.as_ref().is_none_or(|section| section.at != [x, y]) {
                *section = Some(Section::new(scene, volume, wanted.position));
            }
            if let Some(section) = section
                && let Some(&z) = section.order.get(section.asked)
            {
                let purpose = Purpose::Section { at: [x, y], whole };
                return Some(Job { volume, z, purpose });
            }
        }
    }
    if wanted.projection {
        for volume in volumes() {
            let projection = state.projections[volume].get_or_insert(Projection {
                plane: None,
                asked: 0,
                done: 0,
            });
            if projection.asked < scene.shape[0] {
                let z = projection.asked;
                let purpose = Purpose::Projection;
                return Some(Job { volume, z, purpose });
            }
        }
    }
    // What the user will look at next, if there is room for it beside what is looked at now.
    let room = state.cache.most() / (scene.bytes() / scene.shape[0].max(1) as u64).max(1);
    let ahead = AHEAD.min((room as usize).saturating_sub(1) / 2);
    (1..=ahead).find_map(|distance| {
        let places = [z.checked_add(distance), z.checked_sub(distance)];
        places
            .into_iter()
            .flatten()
            .find_map(|z| volumes().find_map(|volume| slice(state, volume, z)))
    })
}

/// Notes that a job is being done.
pub(super) fn start(state: &mut State, job: Job) {
    state.busy.insert(job);
    match job.purpose {
        Purpose::Slice => {}
        Purpose::Section { .. } => {
            if let Some(section) = &mut state.sections[job.volume] {
                section.asked += 1;
            }
        }
        Purpose::Projection => {
            if let Some(projection) = &mut state.projections[job.volume] {
                projection.asked += 1;
            }
        }
    }
}

/// Puts what was read in its place.
pub(super) fn deliver(state: &mut State, scene: &Scene, job: Job, fetched: Fetched) {
    let [_, rows, columns] = scene.shape;
    let keep = |state: &mut State, plane: &Arc<Vec<Samples>>| {
        if !state.cache.has(job.volume, job.z) {
            state.cache.put(job.volume, job.z, Arc::clone(plane));
        }
    };
    match job.purpose {
        Purpose::Slice => {
            if let Fetched::Whole(plane) = &fetched {
                keep(state, plane);
            }
        }
        Purpose::Section { at, .. } => {
            if let Fetched::Whole(plane) = &fetched
                && scene.bytes() <= state.cache.most()
            {
                keep(state, plane);
            }
            let Some(section) = &mut state.sections[job.volume] else {
                return;
            };
            if section.at != at {
                return;
            }
            section.done += 1;
            let ([x, y], z) = (at, job.z);
            match &fetched {
                Fetched::Whole(plane) => {
                    for (to, from) in section.row.iter_mut().zip(plane.iter()) {
                        to.copy(z * columns, from, x * columns, 1, columns);
                    }
                    for (to, from) in section.column.iter_mut().zip(plane.iter()) {
                        to.copy(z * rows, from, y, columns, rows);
                    }
                }
                Fetched::Lines(row, column) => {
                    for (to, from) in section.row.iter_mut().zip(row) {
                        to.copy(z * columns, from, 0, 1, columns);
                    }
                    for (to, from) in section.column.iter_mut().zip(column) {
                        to.copy(z * rows, from, 0, 1, rows);
                    }
                }
            }
        }
        Purpose::Projection => {
            let Fetched::Whole(plane) = &fetched else {
                return;
            };
            if scene.bytes() <= state.cache.most() {
                keep(state, plane);
            }
            if let Some(projection) = &mut state.projections[job.volume] {
                projection.done += 1;
                match &mut projection.plane {
                    Some(highest) => {
                        for (highest, samples) in highest.iter_mut().zip(plane.iter()) {
                            highest.raise(samples);
                        }
                    }
                    None => projection.plane = Some(plane.to_vec()),
                }
            }
        }
    }
}

/// Goes on without what could not be read.
pub(super) fn give_up(state: &mut State, job: Job) {
    match job.purpose {
        Purpose::Slice => {}
        Purpose::Section { at, .. } => {
            if let Some(section) = &mut state.sections[job.volume]
                && section.at == at
            {
                section.done += 1;
            }
        }
        Purpose::Projection => {
            if let Some(projection) = &mut state.projections[job.volume] {
                projection.done += 1;
            }
        }
    }
}
