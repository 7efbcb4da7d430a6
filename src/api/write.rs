//! Writing arrays as TIFF stacks. Whole runs write their results themselves, see
//! [`crate::simulate`].

use crate::config::Compression;
use crate::io::write::{
    Chunks, Content, OutputFolder, PixelType, Target, TiffStackWriter, VolumeLayout,
    VolumeMetadata, VolumeSink, WriteError,
};
use ndarray::ArrayView3;
use std::path::Path;

/// A number that pixels are made of: `u8`, `u16`, `u32`, `u64` or `f32`.
pub trait Sample: sealed::Pixel {}

impl<T: sealed::Pixel> Sample for T {}

mod sealed {
    /// Keeps [`super::Sample`] to the types below.
    #[allow(unnameable_types)]
    pub trait Pixel: bytemuck::Pod {
        const IS_FLOAT: bool = false;
    }

    impl Pixel for u8 {}
    impl Pixel for u16 {}
    impl Pixel for u32 {}
    impl Pixel for u64 {}
    impl Pixel for f32 {
        const IS_FLOAT: bool = true;
    }
}

fn pixel_type<T: Sample>() -> PixelType {
    match (size_of::<T>(), T::IS_FLOAT) {
        (1, _) => PixelType::Gray8,
        (2, _) => PixelType::Gray16,
        (4, false) => PixelType::Gray32,
        (4, true) => PixelType::Float32,
        _ => PixelType::Gray64,
    }
}

/// Writes an array (z, x, y) as a TIFF stack, a page per slice, x its rows and y its columns;
/// ImageJ finds the size of a voxel, `voxel_nm` (z, x, y), in it. BigTIFF where 4 GB do not do;
/// compressed by Deflate, `u32` and `u64` as ids. The file appears whole or not at all, and
/// replaces another only with `replace`.
///
/// ```
/// use simexm_gpu::ndarray::Array3;
/// use simexm_gpu::{read, write};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("cells.tif");
/// let cells = Array3::from_shape_fn((2, 3, 4), |(z, x, y)| (100 * z + 10 * x + y) as u32);
/// write::tiff(&path, cells.view(), [40.0, 8.0, 8.0], false)?;
/// assert_eq!(read::open(&path, None)?.shape(), [2, 3, 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The path names no file, something lies there and `replace` is not given, the array is empty, or
/// the system refuses.
pub fn tiff<T: Sample>(
    path: &Path,
    values: ArrayView3<T>,
    voxel_nm: [f64; 3],
    replace: bool,
) -> Result<(), WriteError> {
    let Some(name) = path.file_name() else {
        let path = path.to_owned();
        return Err(WriteError::IsFolder { path });
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let target = Target::File(name.into());
    let mut output = OutputFolder::prepare(folder, &[], std::slice::from_ref(&target), replace)?;
    let pixel = pixel_type::<T>();
    let layout = VolumeLayout {
        shape: values.dim().into(),
        pixel,
        content: match pixel {
            PixelType::Gray32 | PixelType::Gray64 => Content::Labels,
            _ => Content::Intensity,
        },
        compression: Compression::Deflate,
        chunks: Chunks::default(),
        metadata: VolumeMetadata {
            voxel_nm,
            description: String::new(),
            channels: Vec::new(),
        },
    };
    let mut stack = Box::new(TiffStackWriter::create(
        output.create(target.path())?,
        layout,
    )?);
    let encoder = stack.encoder();
    for slice in values.outer_iter() {
        let pixels: Vec<T> = slice.iter().copied().collect();
        stack.append(encoder.encode(bytemuck::cast_slice(&pixels))?)?;
    }
    stack.finish()?;
    output.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::volume::VoxelBox;
    use crate::io::read;
    use ndarray::Array3;
    use tiff::decoder::{Decoder, DecodingResult};

    const SHAPE: [usize; 3] = [2, 3, 4];

    fn numbered<T>(number: impl Fn(usize) -> T) -> Array3<T> {
        Array3::from_shape_fn(SHAPE, |(z, x, y)| number((z * 3 + x) * 4 + y))
    }

    fn ids(path: &Path) -> Vec<u64> {
        let region = VoxelBox {
            offset: [0; 3],
            shape: SHAPE,
        };
        read::open(path, None).unwrap().block(&region).unwrap()
    }

    #[test]
    fn every_type_of_pixel_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("volume.tif");
        let voxel_nm = [40.0, 8.0, 8.0];
        tiff(&path, numbered(|i| 10 * i as u8).view(), voxel_nm, false).unwrap();
        assert!(ids(&path).into_iter().eq((0..24).map(|i| 10 * i)));
        tiff(&path, numbered(|i| 1000 * i as u16).view(), voxel_nm, true).unwrap();
        assert!(ids(&path).into_iter().eq((0..24).map(|i| 1000 * i)));
        tiff(&path, numbered(|i| (i as u32) << 20).view(), voxel_nm, true).unwrap();
        assert!(ids(&path).into_iter().eq((0..24).map(|i| i << 20)));
        tiff(&path, numbered(|i| (i as u64) << 40).view(), voxel_nm, true).unwrap();
        assert!(ids(&path).into_iter().eq((0..24).map(|i| i << 40)));
        tiff(&path, numbered(|i| i as f32 / 8.0).view(), voxel_nm, true).unwrap();
        let mut decoder = Decoder::new(std::fs::File::open(&path).unwrap()).unwrap();
        let DecodingResult::F32(page) = decoder.read_image().unwrap() else {
            panic!("no floating-point numbers");
        };
        assert!(page.into_iter().eq((0..12).map(|i| i as f32 / 8.0)));
    }

    #[test]
    fn another_file_is_replaced_only_on_demand() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("volume.tif");
        std::fs::write(&path, "precious").unwrap();
        let values = numbered(|i| i as u8);
        let refused = tiff(&path, values.view(), [1.0; 3], false);
        assert!(matches!(refused, Err(WriteError::Foreign { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
        let nameless = tiff(Path::new("/"), values.view(), [1.0; 3], false);
        assert!(matches!(nameless, Err(WriteError::IsFolder { .. })));
    }
}
