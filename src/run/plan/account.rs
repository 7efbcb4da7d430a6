//! What a run moves and sets aside. Every command that tells of it asks here.

use super::{Contents, Quantisation, RunPlan, TilePlan};
use crate::model::Model;
use crate::run::store::SpillPolicy;

/// Bytes that cross the bus between host and device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transfers {
    /// Labels and annotated regions, to the device.
    pub uploaded_bytes: u64,
    /// Ground truth and images, from the device.
    pub downloaded_bytes: u64,
}

impl Transfers {
    /// Those of a model's whole volume.
    pub fn of_whole(model: &Model, contents: Contents, quantisation: Quantisation) -> Self {
        let [_, x, y] = model.volume.shape;
        let [_, image_x, image_y] = model.image_shape();
        Self::of(model, contents, quantisation, [x, y], [image_x, image_y])
    }

    /// Those of a tile with slices and images of these sizes (x, y).
    fn of(
        model: &Model,
        contents: Contents,
        quantisation: Quantisation,
        slice: [usize; 2],
        image: [usize; 2],
    ) -> Self {
        let [slices, ..] = model.image_shape().map(|size| size as u64);
        let [x, y] = image.map(|size| size as u64);
        let [depth, ..] = model.volume.shape;
        let voxels = slice.iter().product::<usize>().saturating_mul(depth);
        let pixels = slices.saturating_mul(x).saturating_mul(y);
        let volumes = contents.sheets + usize::from(!model.labelling.annotations.is_empty());
        let truths = model.fluorophores.len() * model.output.truth_volumes(contents.sheets);
        let pixel_bytes = if quantisation.is_on_host() {
            4
        } else {
            model.output.grey_bytes()
        };
        let pixel_bytes = pixel_bytes + 4 * model.output.expected_volumes();
        let of_pixel = 4 * truths + pixel_bytes * model.channels.len();
        Self {
            uploaded_bytes: (voxels as u64).saturating_mul(4 * volumes as u64),
            downloaded_bytes: pixels.saturating_mul(of_pixel as u64),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            uploaded_bytes: self.uploaded_bytes.saturating_add(other.uploaded_bytes),
            downloaded_bytes: self.downloaded_bytes.saturating_add(other.downloaded_bytes),
        }
    }
}

/// Bytes of compressed slices that a run sets aside, about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetAside {
    /// Labels and annotated regions, which each sweep reads.
    pub labels: u64,
    /// Images that wait for their channel's maximum or for other tiles.
    pub images: u64,
}

impl SetAside {
    /// What a model's tissue leaves: ids come in long runs, of which LZ4 leaves a small part;
    /// images are noisy, and pack to about a third of their counts of 32 bits.
    pub(super) fn of(model: &Model, contents: Contents, quantisation: Quantisation) -> Self {
        let voxels = model.volume.voxels() as u64;
        let labels = (voxels / 8).saturating_mul(contents.sheets as u64);
        let annotated = (voxels / 32).saturating_mul(model.labelling.annotations.len() as u64);
        let pixels = model
            .image_shape()
            .iter()
            .fold(1u64, |all, &size| all.saturating_mul(size as u64));
        let waiting = if quantisation.is_on_host() {
            model.channels.len() as u64
        } else {
            0
        };
        // The bits of floating-point numbers hardly repeat.
        let expected = match quantisation.is_on_host() {
            true => model.channels.len() * model.output.expected_volumes(),
            false => 0,
        };
        let expected = pixels.saturating_mul(4 * expected as u64);
        Self {
            labels: labels.saturating_add(annotated),
            images: (pixels.saturating_mul(4 * waiting) / 3).saturating_add(expected),
        }
    }

    /// The part that is kept in memory at most: a run to files keeps its images in the journal.
    pub fn memory_bytes(&self) -> u64 {
        self.labels.min(SpillPolicy::MEMORY_BYTES as u64)
    }

    /// The part that goes to the disk.
    pub fn disk_bytes(&self) -> u64 {
        let limit = SpillPolicy::MEMORY_BYTES as u64;
        self.images
            .saturating_add(self.labels.saturating_sub(limit))
    }
}

impl RunPlan {
    /// What crosses the bus, in all tiles.
    pub fn transfers(&self, model: &Model) -> Transfers {
        let of = |TilePlan { tile, plan, .. }: &TilePlan| {
            let (slice, image) = (tile.size(), tile.image_size());
            Transfers::of(model, self.contents, plan.quantisation, slice, image)
        };
        let tiles = self.tiles.iter().map(of);
        tiles.fold(Transfers::default(), Transfers::plus)
    }

    /// What is set aside.
    pub fn set_aside(&self, model: &Model) -> SetAside {
        SetAside::of(model, self.contents, self.first().plan.quantisation)
    }
}
