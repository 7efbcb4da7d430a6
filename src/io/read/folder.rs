//! A folder with one image per slice, in the natural order of the names. A result folder of the
//! Cell Tracking Challenge (man_seg000.tif ...) is one.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::error::ImageError;
use super::ids::IdsMut;
use super::options::{Background, ReadOptions};
use super::unchanged::Opened;
use super::{
    Facts, Found, InputFormat, ReadError, ReadFormat, SliceReader, VolumeSource, bmp,
    check_request, names, natural_order, png, raster, tiff,
};
use crate::base::formats::StoredIds;
use crate::base::volume::{VoxelBox, triple};

/// A folder with one image per slice.
pub(super) struct SequenceFormat;

pub(super) static FORMAT: SequenceFormat = SequenceFormat;

impl ReadFormat for SequenceFormat {
    fn format(&self) -> InputFormat {
        InputFormat {
            name: "image sequence",
            noun: "folder with one image per slice",
            extensions: &[],
            is_folder: true,
        }
    }

    fn recognises(&self, found: &Found<'_>) -> bool {
        matches!(found, Found::Folder(_))
    }

    fn open(&self, path: &Path, options: &ReadOptions) -> Result<Box<dyn VolumeSource>, ReadError> {
        Ok(Box::new(ImageFolder::open(path, options)?))
    }
}

/// The formats of single images: one module and one row each.
static IMAGE_KINDS: &[&ImageKind] = &[
    &tiff::IMAGE,
    &png::IMAGE,
    &bmp::IMAGE,
    &raster::PGM,
    &raster::WEBP,
];

/// A format of single images.
#[derive(Debug)]
pub(super) struct ImageKind {
    /// Its name in messages.
    pub name: &'static str,
    /// Ends of the names of its files, without the dot.
    pub extensions: &'static [&'static str],
    /// Whether a file that starts so is one.
    pub recognises: fn(&[u8]) -> bool,
    /// What a file is, after checking that it holds ids that are stored so.
    pub look: fn(&Path, StoredIds) -> Result<Look, ImageError>,
    /// Reads a crop.
    pub read: ReadImage,
}

/// Reads a crop of a file into the first buffer, as [`SliceReader::read`] does; the second is kept
/// between calls.
type ReadImage = fn(&Path, Crop<'_>, IdsMut<'_>, &mut Vec<u8>) -> Result<(), ImageError>;

/// What the header of an image says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Rows and columns.
    pub size: [usize; 2],
    /// Bits of the widest id that it can hold.
    pub bits: u8,
    /// Whether ids are the indices of a palette.
    pub is_palette: bool,
    /// Whether ids are floating point numbers.
    pub is_float: bool,
    /// Most bytes that reading it holds, beside ids.
    pub working_bytes: u64,
}

/// Bytes that no decoder of rows exceeds.
pub(super) const DECODER_BYTES: u64 = 1 << 19;

impl Look {
    /// An image of numbers that is read row by row.
    pub fn plain(size: [usize; 2], bits: u8) -> Self {
        Self {
            size,
            bits,
            is_palette: false,
            is_float: false,
            working_bytes: DECODER_BYTES,
        }
    }
}

/// What is read of an image.
#[derive(Clone, Debug)]
pub(super) struct Crop<'a> {
    /// Rows and columns that the image has.
    pub size: [usize; 2],
    /// Rows to be read.
    pub x: Range<usize>,
    /// Columns to be read.
    pub y: Range<usize>,
    /// How ids are stored.
    pub stored: StoredIds,
    /// Stored numbers that are background.
    pub background: &'a Background,
}

impl Crop<'_> {
    /// Checks that an image has still the size that it had when it was opened.
    pub fn check(&self, size: [usize; 2]) -> Result<(), ImageError> {
        if size == self.size {
            return Ok(());
        }
        let reason = "the image has changed since it was opened".to_owned();
        Err(ImageError::Corrupt(reason))
    }
}

/// The format of a file that is an image by its name.
fn kind_of(path: &Path) -> Option<&'static ImageKind> {
    let extension = path.extension()?.to_str()?;
    let is = |known: &&str| extension.eq_ignore_ascii_case(known);
    let kind = IMAGE_KINDS
        .iter()
        .find(|kind| kind.extensions.iter().any(is));
    kind.copied()
}

/// Whether a file is an image by its name.
pub(super) fn is_image(path: &Path) -> bool {
    kind_of(path).is_some()
}

/// The format of the image that starts so.
pub(super) fn image_kind(head: &[u8]) -> Option<&'static str> {
    let kind = IMAGE_KINDS.iter().find(|kind| (kind.recognises)(head));
    kind.map(|kind| kind.name)
}

/// Ends of the names of images, with the dot.
pub(super) fn extensions() -> Vec<String> {
    let all = IMAGE_KINDS.iter().flat_map(|kind| kind.extensions);
    all.map(|extension| format!(".{extension}")).collect()
}

#[derive(Debug)]
struct Image {
    path: PathBuf,
    kind: &'static ImageKind,
}

impl Image {
    /// What it is, by its header.
    fn look(&self, stored: StoredIds) -> Result<(Opened, Look), ImageError> {
        let (opened, _, _) = Opened::open(&self.path)?;
        Ok((opened, (self.kind.look)(&self.path, stored)?))
    }
}

/// A folder whose images are the slices of a volume. Their sizes agree; their types may differ,
/// since ids keep their value in each.
#[derive(Debug)]
pub struct ImageFolder {
    path: PathBuf,
    images: Vec<Image>,
    opened: Vec<Opened>,
    size: [usize; 2],
    stored: StoredIds,
    background: Background,
    facts: Facts,
    bits: u8,
    working_bytes: u64,
}

impl ImageFolder {
    /// Lists the images and reads the header of each. Hidden files, sub-folders and other files
    /// are skipped.
    ///
    /// # Errors
    /// When there is no image, when their names are of two kinds or their sizes differ, or when one
    /// is damaged or holds no ids.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Self, ReadError> {
        let images = list(path)?;
        let paths: Vec<&Path> = images.iter().map(|image| image.path.as_path()).collect();
        if let Some([first, second, ..]) = names::kinds(&paths).as_deref() {
            return Err(ReadError::TwoKinds {
                path: path.to_owned(),
                first: first.pattern.clone(),
                second: second.pattern.clone(),
                counts: [first.count, second.count],
            });
        }
        Self::of_images(path, images, options)
    }

    /// Takes the files that match a pattern as slices, in this order.
    pub(super) fn of_matches(
        pattern: &Path,
        files: &[PathBuf],
        options: &ReadOptions,
    ) -> Result<Self, ReadError> {
        let image = |path: &PathBuf| match kind_of(path) {
            Some(kind) if !path.is_dir() => Ok(Image {
                path: path.clone(),
                kind,
            }),
            _ => Err(ReadError::NoImages {
                pattern: pattern.to_owned(),
                count: files.len(),
                file: path.clone(),
            }),
        };
        let images: Result<_, _> = files.iter().map(image).collect();
        Self::of_images(pattern, images?, options)
    }

    fn of_images(
        path: &Path,
        images: Vec<Image>,
        options: &ReadOptions,
    ) -> Result<Self, ReadError> {
        let looks: Vec<_> = images
            .par_iter()
            .map(|image| image.look(options.ids))
            .collect();
        let mut first: Option<(&Image, Look)> = None;
        let paths: Vec<&Path> = images.iter().map(|image| image.path.as_path()).collect();
        let mut facts = Facts {
            notes: names::gaps(&paths),
            ..Facts::default()
        };
        let mut opened = Vec::with_capacity(images.len());
        let (mut bits, mut working_bytes) = (1, 0);
        for (image, look) in images.iter().zip(looks) {
            let look = look.and_then(|(file, look)| match look.size {
                [0, _] | [_, 0] => Err(ImageError::Corrupt("an image without pixels".to_owned())),
                _ => Ok((file, look)),
            });
            let (file, look) = look.map_err(|error| error.at(&image.path, None))?;
            opened.push(file);
            facts.is_palette |= look.is_palette;
            facts.is_float |= look.is_float;
            bits = bits.max(look.bits);
            working_bytes = working_bytes.max(look.working_bytes);
            match first {
                None => first = Some((image, look)),
                Some((other, other_look)) if other_look.size != look.size => {
                    return Err(ReadError::FilesDiffer {
                        first: other.path.clone(),
                        first_size: other_look.size,
                        second: image.path.clone(),
                        second_size: look.size,
                    });
                }
                Some(_) => {}
            }
        }
        let Some((_, look)) = first else {
            return Err(ReadError::EmptyFolder {
                path: path.to_owned(),
            });
        };
        Ok(Self {
            path: path.to_owned(),
            size: look.size,
            images,
            opened,
            stored: options.ids,
            background: Background::new(options),
            facts,
            bits,
            working_bytes,
        })
    }
}

/// The images of a folder in the order of the slices.
fn list(folder: &Path) -> Result<Vec<Image>, ReadError> {
    let io_error = |error| ReadError::io(folder, None, error);
    let mut named = Vec::new();
    for entry in fs::read_dir(folder).map_err(io_error)? {
        let path = entry.map_err(io_error)?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let Some(kind) = kind_of(&path).filter(|_| !name.starts_with('.')) else {
            continue;
        };
        // Through links; a dangling one is an error when it is opened, not a slice less.
        if !fs::metadata(&path).is_ok_and(|metadata| metadata.is_dir()) {
            named.push((name, Image { path, kind }));
        }
    }
    named.sort_by(|(a, image_a), (b, image_b)| {
        natural_order(a, b).then_with(|| image_a.path.cmp(&image_b.path))
    });
    let images: Vec<Image> = named.into_iter().map(|(_, image)| image).collect();
    let twins = images
        .windows(2)
        .find(|pair| pair[0].path.file_stem() == pair[1].path.file_stem());
    if let Some([first, second]) = twins {
        return Err(ReadError::Twins {
            first: first.path.clone(),
            second: second.path.clone(),
        });
    }
    Ok(images)
}

impl VolumeSource for ImageFolder {
    fn shape(&self) -> [usize; 3] {
        [self.images.len(), self.size[0], self.size[1]]
    }

    fn slices(&self) -> Result<Box<dyn SliceReader + '_>, ReadError> {
        Ok(Box::new(FolderReader {
            folder: self,
            scratch: Vec::new(),
        }))
    }

    fn working_bytes(&self, _: &VoxelBox) -> u64 {
        self.working_bytes
    }

    fn bits(&self) -> u8 {
        self.background.id_bits(self.bits)
    }

    fn facts(&self) -> Facts {
        self.facts.clone()
    }

    fn unchanged(&self) -> Result<(), ReadError> {
        self.opened.iter().try_for_each(Opened::check)
    }

    fn describe(&self) -> String {
        format!(
            "{} (image sequence of {} voxels)",
            self.path.display(),
            triple(self.shape(), " x ")
        )
    }

    fn slice_path(&self, z: usize) -> Option<&Path> {
        self.images.get(z).map(|image| image.path.as_path())
    }
}

struct FolderReader<'a> {
    folder: &'a ImageFolder,
    scratch: Vec<u8>,
}

impl SliceReader for FolderReader<'_> {
    fn read(
        &mut self,
        z: usize,
        x: Range<usize>,
        y: Range<usize>,
        out: &mut [u64],
    ) -> Result<(), ReadError> {
        self.read_ids(z, x, y, out.into())
    }

    fn read_ids(
        &mut self,
        z: usize,
        x: Range<usize>,
        y: Range<usize>,
        out: IdsMut<'_>,
    ) -> Result<(), ReadError> {
        check_request(self.folder.shape(), z, &x, &y, out.len())?;
        let image = &self.folder.images[z];
        let crop = Crop {
            size: self.folder.size,
            x,
            y,
            stored: self.folder.stored,
            background: &self.folder.background,
        };
        (image.kind.read)(&image.path, crop, out, &mut self.scratch)
            .map_err(|error| error.at(&image.path, None))
    }
}
