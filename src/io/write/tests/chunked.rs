//! A format of several slices to a piece, in a tree of files: raw pixels, without pieces of zeros,
//! so that its files are not known beforehand.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::{
    EncodedPiece, IdStorage, OutputFolder, OutputFormat, PieceEncoder, PixelType, StagedTree,
    Target, VolumeLayout, VolumeSink, WriteError, WriteFormat,
};

const SLICES: usize = 4;

pub(super) struct Chunked;

impl WriteFormat for Chunked {
    fn format(&self) -> OutputFormat {
        OutputFormat {
            name: "chunked",
            noun: "tree of chunks",
            grey_bits: 64,
            holds_channels: false,
            holds_all: false,
            piece_slices: SLICES,
        }
    }

    fn target(&self, stem: &Path) -> Target {
        Target::Tree(stem.with_extension("chunks"))
    }

    fn ids(&self) -> IdStorage {
        IdStorage::Numbers(u64::MAX)
    }

    fn most_bytes(&self, layout: &VolumeLayout) -> u64 {
        (layout.shape[0] * layout.page_bytes()) as u64
    }

    fn create(
        &self,
        output: &mut OutputFolder,
        stem: &Path,
        layout: VolumeLayout,
    ) -> Result<Box<dyn VolumeSink>, WriteError> {
        let tree = output.create_tree(self.target(stem).path())?;
        if layout.shape.contains(&0) {
            return Err(WriteError::Format {
                path: tree.target().to_owned(),
                format: "chunks",
                reason: format!("{:?}", layout.shape),
            });
        }
        Ok(Box::new(ChunkWriter {
            tree,
            layout,
            slices: 0,
        }))
    }
}

impl Chunked {
    /// The slices of a volume.
    pub(super) fn read(files: &[PathBuf], shape: [usize; 3], pixel: PixelType) -> Vec<Vec<u8>> {
        let page = shape[1] * shape[2] * pixel.bytes();
        let mut pages = vec![vec![0; page]; shape[0]];
        for file in files {
            let first: usize = file.file_name().unwrap().to_str().unwrap().parse().unwrap();
            let piece = fs::read(file).unwrap();
            let of_piece = pages[first..].chunks_mut(SLICES).next().unwrap();
            assert_eq!(piece.len(), of_piece.len() * page);
            for (to, from) in of_piece.iter_mut().zip(piece.chunks_exact(page)) {
                to.copy_from_slice(from);
            }
        }
        pages
    }
}

struct ChunkWriter {
    tree: StagedTree,
    layout: VolumeLayout,
    slices: usize,
}

impl ChunkWriter {
    fn count(&self, found: usize) -> WriteError {
        WriteError::PageCount {
            path: self.tree.target().to_owned(),
            expected: self.layout.shape[0],
            found,
        }
    }
}

impl VolumeSink for ChunkWriter {
    fn encoder(&self) -> Arc<dyn PieceEncoder> {
        Arc::new(ChunkEncoder {
            page: self.layout.page_bytes(),
        })
    }

    fn append(&mut self, piece: EncodedPiece) -> Result<(), WriteError> {
        let slices = piece.bytes() / self.layout.page_bytes();
        if self.slices + slices > self.layout.shape[0] {
            return Err(self.count(self.slices + slices));
        }
        if piece.parts[0].iter().any(|&byte| byte != 0) {
            let name = format!("c/{}", self.slices);
            self.tree.write(name.as_ref(), &piece.parts[0])?;
        }
        self.slices += slices;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), WriteError> {
        if self.slices != self.layout.shape[0] {
            return Err(self.count(self.slices));
        }
        self.tree.finish()
    }
}

struct ChunkEncoder {
    page: usize,
}

impl PieceEncoder for ChunkEncoder {
    fn encode(&self, pixels: &[u8]) -> Result<EncodedPiece, WriteError> {
        let most = SLICES * self.page;
        if pixels.is_empty() || pixels.len() > most || !pixels.len().is_multiple_of(self.page) {
            return Err(WriteError::PageSize {
                expected: most,
                found: pixels.len(),
            });
        }
        Ok(EncodedPiece {
            parts: vec![pixels.to_vec()],
        })
    }
}
