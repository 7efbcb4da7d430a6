//! The system's errors in words.

use std::io;

/// The system's words, with plainer ones before them where they help.
pub(crate) fn cause(error: &io::Error) -> String {
    use io::ErrorKind as K;
    let plain = match error.kind() {
        K::StorageFull => "the disk is full",
        K::QuotaExceeded => "the disk quota is used up",
        K::FileTooLarge => "the file grew beyond what the system or a limit of the process allows",
        K::ReadOnlyFilesystem => "the disk is mounted read-only",
        K::NotADirectory => "a part of the path is a file",
        K::IsADirectory => "a folder lies there",
        K::NotFound => "its folder does not exist any more",
        _ => return error.to_string(),
    };
    format!("{plain} ({error})")
}
