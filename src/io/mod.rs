//! Volumes in and out of files: one file per format, behind [`read::VolumeSource`] and
//! [`write::VolumeSink`]. Axes are always (z, x, y): x is the row of an image, y its column.

mod codec;
pub mod read;
pub mod write;
