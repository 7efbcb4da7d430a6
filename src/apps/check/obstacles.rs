//! Obstacles to the output, found without touching it.

use super::Diagnostics;
use super::report::OutputFacts;
use crate::base::host;
use crate::config::Config;
use crate::io::write::{FolderLock, InputFiles, OutputFolder, WriteError};
use crate::model::Model;
use crate::model::cells::CellIndex;
use crate::run::outputs::quicklook::QUICKLOOK_NAME;
use crate::run::simulation::{self, RECORD_NAME, Watcher};

/// Looks at the output as a run would before it starts, and reports obstacles that would stop it.
pub(super) fn look(
    config: &Config,
    model: &Model,
    cells: Option<&CellIndex>,
    output: &mut OutputFacts,
    told: &mut Diagnostics<'_>,
) {
    let ids =
        cells.map(|cells| simulation::id_pixel(config, simulation::largest_number(config, cells)));
    output.obstacle = match ids {
        Some(Err(error)) => Some(error.to_string()),
        _ => obstacle(config, model, output),
    };
    if let Some(obstacle) = &output.obstacle {
        told.warn(&format!("the run would not start: {obstacle}"));
    }
}

fn obstacle(config: &Config, model: &Model, output: &OutputFacts) -> Option<String> {
    let prepare = || -> Result<(), WriteError> {
        drop(FolderLock::take(&output.folder)?);
        let previous = simulation::previous_manifest(&output.folder);
        let mut targets = simulation::targets(config, model);
        targets.extend([QUICKLOOK_NAME.into(), RECORD_NAME.into()]);
        // Dropped at once, the folder is unchanged.
        let mut folder = OutputFolder::prepare(&output.folder, &previous, &targets, false)?;
        let inputs = simulation::input_paths(config);
        folder.protect(InputFiles::new(inputs.iter().map(|path| path.as_path())))
    };
    if let Err(error) = prepare() {
        return Some(error.to_string());
    }
    let place = host::existing_part(&output.folder);
    (!host::is_writable(place)).then(|| format!("{}: cannot be written to", place.display()))
}
