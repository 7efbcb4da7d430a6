//! A folder with one image per slice, in the natural order of the names: gray PNG, or TIFF of one
//! page. A result folder of the Cell Tracking Challenge (man_seg000.tif ...) is one.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::description::Axes;
use super::error::ImageError;
use super::{ReadError, SliceReader, VolumeSource, check_request, natural_order, png, tiff_page};
use crate::base::volume::triple;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ImageKind {
    Tiff,
    Png,
}

impl ImageKind {
    fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        let is = |known: &str| extension.eq_ignore_ascii_case(known);
        if is("tif") || is("tiff") {
            Some(Self::Tiff)
        } else {
            is("png").then_some(Self::Png)
        }
    }
}

#[derive(Debug)]
struct Image {
    path: PathBuf,
    kind: ImageKind,
}

/// A folder whose images are the slices of a volume. Their sizes agree; their types may differ,
/// since ids keep their value in each.
#[derive(Debug)]
pub struct ImageFolder {
    path: PathBuf,
    images: Vec<Image>,
    size: [usize; 2],
}

impl ImageFolder {
    /// Lists the images and reads the header of each. Hidden files, sub-folders and other files
    /// are skipped.
    ///
    /// # Errors
    /// When there is no image, when sizes differ, or when one is damaged or holds no ids.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let images = list(path)?;
        let sizes: Vec<_> = images.par_iter().map(Image::size).collect();
        let mut first = None;
        for (image, size) in images.iter().zip(sizes) {
            let size = size.map_err(|error| error.at(&image.path, None))?;
            match first {
                None => first = Some((image, size)),
                Some((other, other_size)) if other_size != size => {
                    return Err(ReadError::FilesDiffer {
                        first: other.path.clone(),
                        first_size: other_size,
                        second: image.path.clone(),
                        second_size: size,
                    });
                }
                Some(_) => {}
            }
        }
        let Some((_, size)) = first else {
            return Err(ReadError::EmptyFolder {
                path: path.to_owned(),
            });
        };
        Ok(Self {
            path: path.to_owned(),
            images,
            size,
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
        let Some(kind) = ImageKind::of(&path).filter(|_| !name.starts_with('.')) else {
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

impl Image {
    fn size(&self) -> Result<[usize; 2], ImageError> {
        match self.kind {
            ImageKind::Png => png::size(&self.path),
            ImageKind::Tiff => {
                let (mut decoder, _) = tiff_page::open_decoder(&self.path)?;
                let page = tiff_page::inspect(&mut decoder)?;
                let axes = Axes::read(&mut decoder)?;
                if decoder.more_images() || axes.adjoining().is_some() {
                    return Err(ImageError::MultiPage);
                }
                Ok([page.rows, page.columns])
            }
        }
    }

    fn read(
        &self,
        size: [usize; 2],
        x: Range<usize>,
        y: Range<usize>,
        out: &mut [u64],
        scratch: &mut Vec<u8>,
    ) -> Result<(), ImageError> {
        match self.kind {
            ImageKind::Png => png::read_ids(&self.path, size, x, y, out, scratch),
            ImageKind::Tiff => {
                let (mut decoder, file_bytes) = tiff_page::open_decoder(&self.path)?;
                let page = tiff_page::inspect(&mut decoder)?;
                if [page.rows, page.columns] != size {
                    let reason = "the image has changed since it was opened".to_owned();
                    return Err(ImageError::Corrupt(reason));
                }
                tiff_page::read_ids(&mut decoder, &page, file_bytes, x, y, out, scratch)
            }
        }
    }
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
        check_request(self.folder.shape(), z, &x, &y, out)?;
        let image = &self.folder.images[z];
        image
            .read(self.folder.size, x, y, out, &mut self.scratch)
            .map_err(|error| error.at(&image.path, None))
    }
}
