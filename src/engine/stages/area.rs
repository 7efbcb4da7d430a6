//! Voxels summed over pixels by the areas that they share (docs/physical.md section 5): pixels of
//! any size, from any fraction of a voxel on.

use super::for_rows;
use crate::engine::compute::{
    Access, Agreement, CpuCall, Extent, Grid, Kernel, KernelParams, Stage, Traffic, kernel_params,
};
use std::ops::Range;

/// Shares of a voxel below this are rounding errors of the products that say where pixels end.
const SLIVER: f64 = 1e-9;

/// Words of a pixel in the table of an axis before its weights: the first voxel and how many there
/// are.
const HEAD: usize = 2;

/// The pixels along an axis: pixel i covers the voxel coordinates from `i step` to `(i + 1) step`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AreaAxis {
    step: f64,
    size: usize,
}

impl AreaAxis {
    /// Pixels of `step` voxels, a finite number above 0, over `size` voxels, at least 1.
    pub fn new(step: f64, size: usize) -> Self {
        Self { step, size }
    }

    /// The number of pixels: whole ones only, but at least one.
    pub fn pixels(&self) -> usize {
        ((self.size as f64 / self.step + SLIVER).floor() as usize).max(1)
    }

    /// The voxel in the middle of a pixel, which the ground truth shows.
    pub fn shown(&self, pixel: usize) -> usize {
        (((pixel as f64 + 0.5) * self.step).floor() as usize).min(self.size - 1)
    }

    /// The number of pixels that begin before a voxel.
    pub fn pixels_before(&self, voxel: usize) -> usize {
        let begins_before = |pixel: usize| self.of_pixel(pixel).start < voxel;
        let pixels = self.pixels();
        let mut count = ((voxel as f64 / self.step) as usize).min(pixels);
        while count < pixels && begins_before(count) {
            count += 1;
        }
        while count > 0 && !begins_before(count - 1) {
            count -= 1;
        }
        count
    }

    /// The voxels on which these pixels depend.
    pub fn voxels(&self, pixels: Range<usize>) -> Range<usize> {
        if pixels.is_empty() {
            return 0..0;
        }
        self.of_pixel(pixels.start).start..self.of_pixel(pixels.end - 1).end
    }

    fn borders(&self, pixel: usize) -> [f64; 2] {
        [pixel, pixel + 1].map(|border| border as f64 * self.step)
    }

    fn of_pixel(&self, pixel: usize) -> Range<usize> {
        let [from, to] = self.borders(pixel);
        let first = ((from + SLIVER).floor() as usize).min(self.size - 1);
        // The last pixel may end behind the last voxel.
        let end = ((to - SLIVER).ceil() as usize).clamp(first + 1, self.size);
        first..end
    }

    /// Words of a pixel in the table: all pixels of an axis have room for the same number of
    /// weights.
    pub fn stride(&self) -> usize {
        HEAD + (self.step.ceil() as usize).saturating_add(1).min(self.size)
    }

    /// Multiplies the shares of a pixel in a table.
    pub fn scale(words: &mut [u32], by: f32) {
        for word in &mut words[HEAD..] {
            *word = (f32::from_bits(*word) * by).to_bits();
        }
    }

    /// The table of some pixels, for voxels that start at `first_voxel`: for each pixel its first
    /// voxel, the number of voxels, and as f32 the share of each that it covers. A pixel's shares
    /// do not depend on what else the table holds.
    pub fn table(&self, pixels: Range<usize>, first_voxel: usize) -> Vec<u32> {
        let mut words = vec![0; pixels.len() * self.stride()];
        for (words, pixel) in words.chunks_exact_mut(self.stride()).zip(pixels) {
            let voxels = self.of_pixel(pixel);
            let [from, to] = self.borders(pixel);
            words[0] = (voxels.start - first_voxel) as u32;
            words[1] = voxels.len() as u32;
            for (word, voxel) in words[HEAD..].iter_mut().zip(voxels) {
                let voxel = voxel as f64;
                let share = to.min(voxel + 1.0) - from.max(voxel);
                *word = (share.max(0.0) as f32).to_bits();
            }
        }
        words
    }
}

kernel_params! {
    /// Slices of voxels, and the images that their pixels make. The weights are a table of the rows
    /// of pixels, then one of the columns.
    AreaParams {
        /// Rows of a slice.
        size_x: u32,
        /// Columns of a slice.
        size_y: u32,
        /// Rows of an image.
        image_x: u32,
        /// Columns of an image.
        image_y: u32,
        /// Words of a row of pixels in its table.
        stride_x: u32,
        /// As `stride_x`, of a column.
        stride_y: u32,
        /// Where the table of the columns starts.
        columns_at: u32,
        /// Number of slices.
        slices: u32,
    }
}

/// Blurred volume (kept slices) and weights to images, all f32. Voxels of a pixel are added along
/// y, and the rows of them along x, in their order: a pixel is the same in every tile.
pub static AREA: Kernel = Kernel {
    name: "area",
    stage: Stage::Camera,
    grid: Grid::Voxels(1),
    source: include_str!("../../../shaders/area.wgsl"),
    params: AreaParams::LAYOUT,
    constants: &[],
    generated: &[],
    bindings: &[Access::Read, Access::Read, Access::ReadWrite],
    agreement: Agreement::Rounding,
    fills: true,
    cpu: area_cpu,
    traffic: area_traffic,
};

fn area_traffic(extent: Extent<'_>) -> Traffic {
    let p: AreaParams = extent.params();
    let slices = u64::from(p.slices);
    Traffic::words(
        slices * u64::from(p.size_x) * u64::from(p.size_y),
        slices * u64::from(p.image_x) * u64::from(p.image_y),
    )
}

/// The first voxel of a pixel, and its weights.
fn entry(table: &[u32], stride: usize, pixel: usize) -> (usize, &[f32]) {
    let (head, weights) = table[pixel * stride..][..stride].split_at(HEAD);
    let weights = &weights[..head[1] as usize];
    (head[0] as usize, bytemuck::cast_slice(weights))
}

fn area_cpu(call: &mut CpuCall<'_>) {
    let p: AreaParams = call.params();
    let [blurred, weights, mut image] = call.buffers();
    let (size_x, size_y) = (p.size_x as usize, p.size_y as usize);
    let (image_x, image_y) = (p.image_x as usize, p.image_y as usize);
    let (stride_x, stride_y) = (p.stride_x as usize, p.stride_y as usize);
    let blurred = blurred.read::<f32>();
    let (rows, columns) = weights.read::<u32>().split_at(p.columns_at as usize);
    let pixels_of_row = |slice: u32, i: usize, out: &mut [f32]| {
        let (first_x, across) = entry(rows, stride_x, i);
        let first_row = slice as usize * size_x + first_x;
        for (j, pixel) in out.iter_mut().enumerate() {
            let (first_y, along) = entry(columns, stride_y, j);
            *pixel = 0.0;
            for (x, weight) in across.iter().enumerate() {
                let voxels = &blurred[(first_row + x) * size_y + first_y..];
                let shares = along.iter().zip(voxels);
                let sum = shares.fold(0.0, |sum, (share, voxel)| sum + share * voxel);
                *pixel += weight * sum;
            }
        }
    };
    for_rows(image.write(), image_x, image_y, p.slices, pixels_of_row);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::compute::cpu::CpuBackend;
    use crate::engine::compute::{Backend, Buffer, BufferSpec, Recording};
    use proptest::prelude::*;

    fn shares(axis: &AreaAxis, pixel: usize) -> (usize, Vec<f32>) {
        let table = axis.table(pixel..pixel + 1, 0);
        let (first, weights) = entry(&table, axis.stride(), 0);
        (first, weights.to_vec())
    }

    #[test]
    fn whole_steps_are_bins_and_fractions_parts_of_voxels() {
        let bins = AreaAxis::new(3.0, 11);
        assert_eq!(bins.pixels(), 3);
        assert_eq!(shares(&bins, 2), (6, vec![1.0; 3]));
        assert_eq!((bins.shown(2), bins.voxels(1..3)), (7, 3..9));
        let fine = AreaAxis::new(0.25, 2);
        assert_eq!(fine.pixels(), 8);
        assert_eq!(shares(&fine, 5), (1, vec![0.25]));
        assert_eq!((fine.shown(3), fine.shown(4)), (0, 1));
        let real = AreaAxis::new(2.5, 10);
        assert_eq!(real.pixels(), 4);
        assert_eq!(shares(&real, 1), (2, vec![0.5, 1.0, 1.0]));
        // Smaller than a pixel: what there is of it.
        let small = AreaAxis::new(7.5, 2);
        assert_eq!((small.pixels(), small.shown(0)), (1, 1));
        assert_eq!(shares(&small, 0), (0, vec![1.0; 2]));
    }

    /// The images of some pixels along x and y, of voxels whose values are their places in the
    /// slices.
    fn images(axes: [AreaAxis; 2], pixels: [Range<usize>; 2], slices: usize) -> Vec<f32> {
        let voxels = [0, 1].map(|axis| axes[axis].voxels(pixels[axis].clone()));
        let tables = [0, 1].map(|axis| axes[axis].table(pixels[axis].clone(), voxels[axis].start));
        let rows = (0..slices).flat_map(|_| voxels[0].clone());
        let value = |x: usize, y: usize| ((100 * x + y) as f32).to_bits();
        let blurred: Vec<u32> = rows
            .flat_map(|x| voxels[1].clone().map(move |y| value(x, y)))
            .collect();
        let image = pixels.map(|pixels| pixels.len());
        let params = AreaParams {
            size_x: voxels[0].len() as u32,
            size_y: voxels[1].len() as u32,
            image_x: image[0] as u32,
            image_y: image[1] as u32,
            stride_x: axes[0].stride() as u32,
            stride_y: axes[1].stride() as u32,
            columns_at: tables[0].len() as u32,
            slices: slices as u32,
        };
        let (weights, count) = (tables.concat(), slices * image[0] * image[1]);
        let specs = [blurred.len(), weights.len(), count].map(|words| BufferSpec {
            name: "test".into(),
            words,
        });
        let mut backend = CpuBackend::new(1 << 20);
        backend.allocate(&specs, true).unwrap();
        let mut recording = Recording::default();
        recording.write(Buffer(0), 0, blurred);
        recording.write(Buffer(1), 0, weights);
        let shape = [slices, image[0], image[1]];
        recording.dispatch_voxels(&AREA, params, &[0, 1, 2].map(Buffer), shape);
        recording.read(Buffer(2), 0..count);
        let ticket = backend.submit(recording).unwrap();
        bytemuck::cast_vec(backend.wait(ticket).unwrap().remove(0))
    }

    #[test]
    fn pixels_are_sums_over_their_areas() {
        let axes = [AreaAxis::new(2.5, 5), AreaAxis::new(1.5, 3)];
        // By hand: sums of share x place along each axis.
        let image = [301.25, 306.25, 1201.25, 1206.25];
        assert_eq!(images(axes, [0..2, 0..2], 2), [image, image].concat());
        // A part is, to the bit, what the whole has there.
        let axes = [AreaAxis::new(3.0093, 60), AreaAxis::new(0.37, 20)];
        let whole = images(axes, [0..19, 0..54], 1);
        let part = images(axes, [4..17, 11..50], 1);
        for (row, pixels) in part.chunks(39).enumerate() {
            assert_eq!(pixels, &whole[(4 + row) * 54 + 11..][..39], "row {row}");
        }
    }

    /// Products of the step that rounding takes beyond a border ask for no voxel there.
    #[test]
    fn rounding_takes_no_pixel_beyond_the_voxels() {
        for pixels in 1..2000 {
            let size = 2 * pixels + 1;
            let axis = AreaAxis::new(size as f64 / pixels as f64, size);
            assert_eq!(axis.pixels(), pixels);
            assert_eq!(axis.voxels(0..pixels), 0..size);
            let tenths = AreaAxis::new(0.1, pixels);
            assert_eq!(tenths.pixels(), 10 * pixels);
            assert_eq!(tenths.voxels(0..10 * pixels), 0..pixels);
        }
    }

    proptest! {
        #[test]
        fn pixels_share_voxels_without_loss(step in 0.05f64..40.0, size in 1usize..300, from in 0.0f64..1.0) {
            let axis = AreaAxis::new(step, size);
            let pixels = axis.pixels();
            let table = axis.table(0..pixels, 0);
            let mut given = vec![0.0; size];
            for pixel in 0..pixels {
                let (first, weights) = entry(&table, axis.stride(), pixel);
                let sum: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
                prop_assert!((sum - step.min(size as f64)).abs() < 1e-6 * step.max(1.0), "{pixel}: {sum}");
                prop_assert!(axis.shown(pixel) >= first && axis.shown(pixel) < first + weights.len());
                for (given, &weight) in given[first..].iter_mut().zip(weights) {
                    *given += f64::from(weight);
                }
            }
            let whole = (pixels as f64 * step).floor() as usize;
            prop_assert!(given[..whole.min(size)].iter().all(|given| (given - 1.0).abs() < 1e-5));
            // A part has the weights of the whole.
            let from = (from * pixels as f64) as usize;
            let voxels = axis.voxels(from..pixels);
            let part = axis.table(from..pixels, voxels.start);
            for pixel in from..pixels {
                let (first, weights) = entry(&part, axis.stride(), pixel - from);
                prop_assert_eq!((first + voxels.start, weights), entry(&table, axis.stride(), pixel));
                prop_assert!(first + weights.len() <= voxels.len());
            }
        }
    }
}
