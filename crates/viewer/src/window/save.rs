//! The view as a file.

use simexm_gpu::internals::apps::view::{Loader, Scene, ViewState, images};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Files of one name that are tried before giving up.
const MOST: usize = 10_000;

/// Writes the view as PNG under a name that is free; returns its path, or what the window says in
/// its place.
pub(super) fn save(
    folder: &Path,
    scene: &Scene,
    state: &mut ViewState,
    loader: &Loader,
) -> Result<PathBuf, String> {
    let Some(picture) = images::view(scene, state, loader) else {
        return Err("not saved: the view is still loading".to_owned());
    };
    let bytes = picture
        .to_png()
        .map_err(|error| format!("not saved: {error}"))?;
    std::fs::create_dir_all(folder)
        .map_err(|error| format!("not saved: {}: {error}", folder.display()))?;
    let stem = scene
        .volumes
        .first()
        .and_then(|volume| volume.path.file_stem())
        .map_or_else(|| "view".into(), |stem| stem.to_string_lossy().into_owned());
    let what = match state.projection {
        true => "maximum".to_owned(),
        false => format!("z{}", state.position[0]),
    };
    for number in 1..MOST {
        let name = match number {
            1 => format!("{stem}_{what}.png"),
            _ => format!("{stem}_{what}_{number}.png"),
        };
        let path = folder.join(name);
        let failed = |error: std::io::Error| format!("not saved: {}: {error}", path.display());
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                file.write_all(&bytes).map_err(failed)?;
                return Ok(path);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Err(format!(
        "not saved: {} has too many pictures",
        folder.display()
    ))
}
