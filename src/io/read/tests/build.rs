//! TIFF and NumPy files as tests write them, byte by byte.

use std::fs;
use std::path::Path;

/// Types of values.
pub(super) const TEXT: u16 = 2;
pub(super) const SHORT: u16 = 3;
pub(super) const LONG: u16 = 4;
pub(super) const RATIO: u16 = 5;

/// A tag to be changed: its number, type and values.
pub(super) type Change<'v> = (u16, u16, &'v [u32]);

/// A classic TIFF in little endian, on its way.
pub(super) struct Tiff {
    bytes: Vec<u8>,
    /// Where the place of the next directory is to be noted.
    next: usize,
}

impl Tiff {
    pub fn new() -> Self {
        let bytes = b"II*\0\0\0\0\0".to_vec();
        Self { bytes, next: 4 }
    }

    /// Appends bytes; returns where they start.
    pub fn data(&mut self, bytes: &[u8]) -> u32 {
        let at = self.bytes.len() as u32;
        self.bytes.extend(bytes);
        at
    }

    /// Appends a directory; returns where it starts.
    pub fn page(&mut self, entries: &[(u16, u16, Vec<u32>)]) -> usize {
        let mut entries = entries.to_vec();
        entries.sort_by_key(|entry| entry.0);
        let mut directory = (entries.len() as u16).to_le_bytes().to_vec();
        for (tag, kind, values) in &entries {
            let bytes: Vec<u8> = match *kind {
                TEXT => values.iter().map(|&value| value as u8).collect(),
                SHORT => values
                    .iter()
                    .flat_map(|&value| (value as u16).to_le_bytes())
                    .collect(),
                _ => values
                    .iter()
                    .flat_map(|value| value.to_le_bytes())
                    .collect(),
            };
            let count = if *kind == RATIO {
                values.len() / 2
            } else {
                values.len()
            };
            directory.extend(tag.to_le_bytes());
            directory.extend(kind.to_le_bytes());
            directory.extend((count as u32).to_le_bytes());
            match bytes.len() {
                0..=4 => directory.extend([&bytes[..], &[0; 4][bytes.len()..]].concat()),
                _ => directory.extend(self.data(&bytes).to_le_bytes()),
            }
        }
        let at = self.bytes.len();
        self.bytes[self.next..self.next + 4].copy_from_slice(&(at as u32).to_le_bytes());
        self.next = at + directory.len();
        self.bytes.extend(directory);
        self.bytes.extend([0; 4]);
        at
    }

    pub fn write(&self, path: &Path) {
        fs::write(path, &self.bytes).unwrap();
    }
}

/// The tags of a page of whole samples without compression, in one strip.
pub(super) fn plain(rows: u32, columns: u32, bits: u32, at: u32) -> Vec<(u16, u16, Vec<u32>)> {
    vec![
        (256, LONG, vec![columns]),
        (257, LONG, vec![rows]),
        (258, SHORT, vec![bits]),
        (259, SHORT, vec![1]),
        (262, SHORT, vec![1]),
        (273, LONG, vec![at]),
        (277, SHORT, vec![1]),
        (278, LONG, vec![rows]),
        (279, LONG, vec![rows * columns * bits / 8]),
    ]
}

/// The same with other values; a tag without values is left out.
pub(super) fn but(
    mut entries: Vec<(u16, u16, Vec<u32>)>,
    others: &[Change<'_>],
) -> Vec<(u16, u16, Vec<u32>)> {
    for &(tag, kind, values) in others {
        entries.retain(|entry| entry.0 != tag);
        if !values.is_empty() {
            entries.push((tag, kind, values.to_vec()));
        }
    }
    entries
}

/// A description as an entry.
pub(super) fn text(text: &str) -> (u16, u16, Vec<u32>) {
    let bytes = text.bytes().chain([0]);
    (270, TEXT, bytes.map(u32::from).collect())
}

/// Planes of 2 x 3 pixels of 8 bits, each of one value, a page each; the first with this
/// description.
pub(super) fn stack(path: &Path, planes: &[u8], description: &str) {
    let mut tiff = Tiff::new();
    for (number, &plane) in planes.iter().enumerate() {
        let at = tiff.data(&[plane; 6]);
        let mut page = plain(2, 3, 8, at);
        if number == 0 && !description.is_empty() {
            page.push(text(description));
        }
        tiff.page(&page);
    }
    tiff.write(path);
}

/// A .npy file.
pub(super) fn npy(path: &Path, descr: &str, shape: &str, data: &[u8]) {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    fs::write(path, bytes).unwrap();
}
