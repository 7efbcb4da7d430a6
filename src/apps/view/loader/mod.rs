//! Slices come from the disk on threads of their own; the latest are kept.

mod cache;
mod jobs;

use super::ViewError;
use super::planes::{Plane, PlaneReader};
use super::scene::Scene;
use crate::show::picture::Samples;
use cache::Cache;
use jobs::{Job, Projection};
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

pub use jobs::{Section, Wanted};

/// Slices that are kept, in bytes.
const CACHE_BYTES: u64 = 384 << 20;

/// Threads that read.
const MOST_THREADS: usize = 4;

type Notify = Box<dyn Fn() + Send + Sync>;

/// Fetches what is wanted, the nearest first.
pub struct Loader {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    scene: Arc<Scene>,
    state: Mutex<State>,
    /// There is something to do.
    work: Condvar,
    /// Something has come.
    arrival: Condvar,
    notify: Notify,
}

struct State {
    wanted: Wanted,
    cache: Cache,
    busy: HashSet<Job>,
    sections: Vec<Option<Section>>,
    projections: Vec<Option<Projection>>,
    failures: BTreeMap<(usize, usize), String>,
    revision: u64,
    stopped: bool,
}

impl Loader {
    /// Starts to load what is wanted of a scene; `notify` is called, on any thread, whenever
    /// something has come.
    #[must_use]
    pub fn new(
        scene: Arc<Scene>,
        wanted: Wanted,
        notify: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let volumes = scene.volumes.len();
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                wanted,
                cache: Cache::new(CACHE_BYTES),
                busy: HashSet::new(),
                sections: (0..volumes).map(|_| None).collect(),
                projections: (0..volumes).map(|_| None).collect(),
                failures: BTreeMap::new(),
                revision: 0,
                stopped: false,
            }),
            scene,
            work: Condvar::new(),
            arrival: Condvar::new(),
            notify: Box::new(notify),
        });
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = (0..count.min(MOST_THREADS))
            .map(|_| {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || shared.serve())
            })
            .collect();
        Self { shared, threads }
    }

    /// Says what is wanted from now on.
    pub fn want(&self, wanted: Wanted) {
        let mut state = self.shared.lock();
        if state.wanted != wanted {
            state.wanted = wanted;
            self.shared.work.notify_all();
        }
    }

    /// Grows whenever something has come.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.shared.lock().revision
    }

    /// A slice of a volume, if it is there.
    #[must_use]
    pub fn slice(&self, volume: usize, z: usize) -> Option<Arc<Vec<Samples>>> {
        self.shared.lock().cache.get(volume, z)
    }

    /// The sections through the crosshairs that were wanted last, as far as they have come.
    pub fn with_section<R>(&self, volume: usize, look: impl FnOnce(&Section) -> R) -> Option<R> {
        let state = self.shared.lock();
        state.sections.get(volume)?.as_ref().map(look)
    }

    /// The maximum of a volume along z, as far as it has come, and of how many slices it is.
    pub fn with_projection<R>(
        &self,
        volume: usize,
        look: impl FnOnce(&[Samples], usize) -> R,
    ) -> Option<R> {
        let state = self.shared.lock();
        let projection = state.projections.get(volume)?.as_ref()?;
        projection
            .plane
            .as_ref()
            .map(|plane| look(plane, projection.done))
    }

    /// Whether a slice could not be read.
    #[must_use]
    pub fn has_failed(&self, volume: usize, z: usize) -> bool {
        self.shared.lock().failures.contains_key(&(volume, z))
    }

    /// Why something of what is wanted cannot be shown.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        let state = self.shared.lock();
        let z = state.wanted.position[0];
        let here = state.failures.iter().find(|((_, slice), _)| *slice == z);
        here.or_else(|| state.failures.first_key_value())
            .map(|(_, why)| why.clone())
    }

    /// Bytes of the slices that are kept.
    #[must_use]
    pub fn kept_bytes(&self) -> u64 {
        self.shared.lock().cache.bytes()
    }

    /// Waits until all that is wanted has come or failed.
    pub fn wait(&self) {
        let mut state = self.shared.lock();
        while !state.busy.is_empty() || jobs::next(&mut state, &self.shared.scene).is_some() {
            state = self
                .shared
                .arrival
                .wait(state)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.work.notify_all();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // What a thread that panicked has left is a slice less, and no worse.
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Does what there is to do until the loader goes.
    fn serve(&self) {
        let mut readers: Vec<Option<Box<dyn PlaneReader + '_>>> =
            self.scene.volumes.iter().map(|_| None).collect();
        let mut state = self.lock();
        loop {
            if state.stopped {
                return;
            }
            let Some(job) = jobs::next(&mut state, &self.scene) else {
                state = self
                    .work
                    .wait(state)
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                continue;
            };
            jobs::start(&mut state, job);
            let kept = state.cache.get(job.volume, job.z);
            drop(state);
            let result = match kept {
                Some(plane) => Ok(jobs::Fetched::Whole(plane)),
                None => self.fetch(&mut readers[job.volume], job),
            };
            state = self.lock();
            state.busy.remove(&job);
            match result {
                Ok(fetched) => jobs::deliver(&mut state, &self.scene, job, fetched),
                Err(error) => {
                    // A reader in an unknown state is not asked again.
                    readers[job.volume] = None;
                    state
                        .failures
                        .insert((job.volume, job.z), error.to_string());
                    jobs::give_up(&mut state, job);
                }
            }
            state.revision += 1;
            self.arrival.notify_all();
            (self.notify)();
        }
    }

    /// Reads what a job needs.
    fn fetch<'a>(
        &'a self,
        reader: &mut Option<Box<dyn PlaneReader + 'a>>,
        job: Job,
    ) -> Result<jobs::Fetched, ViewError> {
        let [_, rows, columns] = self.scene.shape;
        let reader = match reader {
            Some(reader) => reader,
            None => reader.insert(self.scene.volumes[job.volume].planes.reader()?),
        };
        let mut read = |x, y| -> Result<Plane, ViewError> { reader.read(job.z, x, y) };
        match job.lines() {
            None => Ok(jobs::Fetched::Whole(Arc::new(read(0..rows, 0..columns)?))),
            Some([x, y]) => {
                let row = read(x..x + 1, 0..columns)?;
                Ok(jobs::Fetched::Lines(row, read(0..rows, y..y + 1)?))
            }
        }
    }
}
