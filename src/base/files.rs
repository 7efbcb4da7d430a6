//! Opening what others have put somewhere: only regular files are waited for, and text is read with
//! a limit.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::time::SystemTime;

/// Most bytes of a text that a program or a person has written: configurations, spectra, records of
/// runs, results of `bench`.
pub const MOST_TEXT_BYTES: u64 = 16 << 20;

/// Opens a file for reading. A pipe without a writer, which would be waited for without end, a
/// device or a folder is an error.
///
/// # Errors
/// When it is no regular file, or the system refuses.
pub fn open_regular(path: &Path) -> io::Result<File> {
    regular(OpenOptions::new().read(true), path)
}

/// As [`open_regular`], for other uses.
///
/// # Errors
/// As [`open_regular`].
pub fn regular(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // Without it the opening of a pipe waits for its other end.
        options.custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits());
    }
    let file = options.open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_file() {
        Ok(file)
    } else if kind.is_dir() {
        Err(ErrorKind::IsADirectory.into())
    } else {
        let message = "a pipe or a device, where a regular file is expected";
        Err(io::Error::new(ErrorKind::InvalidInput, message))
    }
}

/// Opens a text that another program may be writing to a pipe. One that nobody writes to is not
/// waited for; it is empty.
///
/// # Errors
/// When the system refuses.
pub fn open_piped(path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    {
        use nix::fcntl::{FcntlArg, OFlag, fcntl};
        use std::os::unix::fs::OpenOptionsExt;
        let mut options = OpenOptions::new();
        let options = options.read(true).custom_flags(OFlag::O_NONBLOCK.bits());
        let file = options.open(path)?;
        // From here on what a writer takes its time for is waited for.
        fcntl(&file, FcntlArg::F_SETFL(OFlag::empty()))?;
        Ok(file)
    }
    #[cfg(not(unix))]
    File::open(path)
}

/// The bytes of a text file.
///
/// # Errors
/// When it has more than [`MOST_TEXT_BYTES`], is no regular file, or the system refuses.
pub fn read_text(path: &Path) -> io::Result<Vec<u8>> {
    limited(open_regular(path)?)
}

/// The bytes of a text that comes from anywhere.
///
/// # Errors
/// As [`read_text`].
pub fn limited(text: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    text.take(MOST_TEXT_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_TEXT_BYTES {
        return Err(ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Brings the names in a folder to the disk. That a system, or a file system, cannot do so is no
/// error.
///
/// # Errors
/// When the disk refuses.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    // Other systems than Unix do not open folders; names there are durable by journal.
    if !cfg!(unix) {
        return Ok(());
    }
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    match synced.as_ref().map_err(io::Error::kind) {
        Err(ErrorKind::InvalidInput | ErrorKind::Unsupported | ErrorKind::PermissionDenied) => {
            Ok(())
        }
        _ => synced,
    }
}

/// What tells a file from every other, by whatever name or link it is reached.
#[cfg(unix)]
pub type Identity = (u64, u64);
/// Other systems tell files apart by their paths, links resolved.
#[cfg(not(unix))]
pub type Identity = std::path::PathBuf;

/// That of what lies at a path, where the system tells.
#[cfg(unix)]
pub fn identity(_: &Path, metadata: &Metadata) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

/// That of what lies at a path, where the system tells.
#[cfg(not(unix))]
pub fn identity(path: &Path, _: &Metadata) -> Option<Identity> {
    fs::canonicalize(path).ok()
}

/// What shows that a file is still the one that was looked at: which it is, its length, and when it
/// was written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    identity: Option<Identity>,
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    /// That of what lies at a path.
    pub fn new(path: &Path, metadata: &Metadata) -> Self {
        Self {
            identity: identity(path, metadata),
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }
}

/// Shows a file, or every file below a folder, links followed. What cannot be looked at is left
/// out.
pub fn for_each_file(path: &Path, show: &mut dyn FnMut(&Path, &Metadata)) {
    let Ok(metadata) = fs::metadata(path) else {
        return;
    };
    if metadata.is_dir() {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        entries.for_each(|entry| for_each_file(&entry.path(), show));
    } else {
        show(path, &metadata);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "text").unwrap();
        assert_eq!(read_text(&file).unwrap(), b"text");
        let kind = |path: &Path| open_regular(path).unwrap_err().kind();
        assert_eq!(kind(&folder.path().join("none")), ErrorKind::NotFound);
        #[cfg(unix)]
        {
            assert_eq!(kind(folder.path()), ErrorKind::IsADirectory);
            assert_eq!(kind(Path::new("/dev/zero")), ErrorKind::InvalidInput);
            let pipe = folder.path().join("pipe");
            let mode = nix::sys::stat::Mode::S_IRWXU;
            nix::unistd::mkfifo(&pipe, mode).unwrap();
            assert_eq!(kind(&pipe), ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn texts_without_end_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long");
        let file = File::create(&path).unwrap();
        file.set_len(MOST_TEXT_BYTES).unwrap();
        assert_eq!(read_text(&path).unwrap().len() as u64, MOST_TEXT_BYTES);
        file.set_len(MOST_TEXT_BYTES + 1).unwrap();
        assert_eq!(
            read_text(&path).unwrap_err().kind(),
            ErrorKind::FileTooLarge
        );
    }
}
