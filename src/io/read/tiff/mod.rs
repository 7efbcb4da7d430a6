//! TIFF files, classic and big, in either byte order: stacks, and single images of a folder. The
//! `tiff` crate decodes; what lies where, and which of it is a slice, is found here.

mod description;
mod directory;
mod layout;
mod overlay;
mod page;
mod stack;

pub(super) use page::IMAGE;
pub(super) use stack::FORMAT;
pub use stack::TiffStack;
