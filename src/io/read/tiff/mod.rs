//! TIFF files, classic and big, in either byte order: stacks, and single images of a folder. What
//! lies where, and which of it is a slice, is found before the first pixel is decoded.

mod chunks;
mod codec;
mod description;
mod directory;
mod layout;
mod page;
mod rows;
mod stack;

pub(super) use page::IMAGE;
pub(super) use stack::FORMAT;
pub use stack::TiffStack;
