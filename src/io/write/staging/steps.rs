//! The steps by which files get their names: all that a publication changes on the disk, one
//! function each. Tests let any of them fail, or be the last.

use std::fs;
use std::io;
use std::path::Path;

use crate::base::files;

/// Gives a file or folder another name, in place of what has that name.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    faults::before(|| format!("rename {} {}", from.display(), to.display()))?;
    fs::rename(from, to)
}

/// Keeps a file under another name, too; where the system has no second names, under that alone.
pub(super) fn keep(file: &Path, kept: &Path) -> io::Result<()> {
    faults::before(|| format!("keep {} {}", file.display(), kept.display()))?;
    fs::hard_link(file, kept).or_else(|_| fs::rename(file, kept))
}

/// Makes a folder and those that it lies in.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    faults::before(|| format!("make {}", folder.display()))?;
    fs::create_dir_all(folder)
}

/// Removes a file.
pub(super) fn remove(file: &Path) -> io::Result<()> {
    faults::before(|| format!("remove {}", file.display()))?;
    fs::remove_file(file)
}

/// Removes a folder with all that lies in it.
pub(super) fn remove_folder(folder: &Path) -> io::Result<()> {
    faults::before(|| format!("clear {}", folder.display()))?;
    fs::remove_dir_all(folder)
}

/// Brings the names in a folder to the disk.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    faults::before(|| format!("sync {}", folder.display()))?;
    files::sync_folder(folder)
}

#[cfg(not(test))]
mod faults {
    pub(super) fn before(_: impl Fn() -> String) -> std::io::Result<()> {
        Ok(())
    }
}

/// What tests do to the steps of their thread.
#[cfg(test)]
pub(super) mod faults {
    use std::cell::RefCell;
    use std::io;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Fault {
        /// This step fails.
        Error(usize),
        /// This step and all that follow do nothing: the process is gone.
        Kill(usize),
    }

    thread_local! {
        static STATE: RefCell<(Option<Fault>, Vec<String>)> = const { RefCell::new((None, Vec::new())) };
    }

    /// Lets steps fail from now on; counts them anew.
    pub fn set(fault: Option<Fault>) {
        STATE.with_borrow_mut(|state| *state = (fault, Vec::new()));
    }

    /// The steps since then.
    pub fn steps() -> Vec<String> {
        STATE.with_borrow(|state| state.1.clone())
    }

    pub fn before(step: impl Fn() -> String) -> io::Result<()> {
        STATE.with_borrow_mut(|(fault, steps)| {
            let number = steps.len();
            steps.push(step());
            match *fault {
                Some(Fault::Error(at)) if number == at => Err(io::Error::other("made up")),
                Some(Fault::Kill(at)) if number >= at => Err(io::Error::other("killed")),
                _ => Ok(()),
            }
        })
    }
}
