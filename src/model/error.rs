//! Errors of configurations that cannot be simulated.

use super::{MOST_IMAGES, MOST_PIXELS};
use crate::base::region_bits;
use crate::engine::rng::TableError;
use crate::optics::fluorophore::OwnFluorophoreError;
use crate::optics::psf::PsfError;

/// Error of a valid configuration that cannot be simulated.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A layer would put more proteins on a voxel than 32 bits hold.
    #[error(
        "[labeling.{layer}] protein_density times the voxel's volume ({} nm) is {mean:.4e} proteins per voxel, \
         times antibody_amp more than 32-bit counts hold: lower protein_density or antibody_amp (their product is to \
         stay below {largest:.2e} here)",
        voxel_nm.map(|nm| nm.to_string()).join(" x ")
    )]
    TooManyProteins {
        /// Name of the layer.
        layer: String,
        /// Sides of a voxel along z, x and y.
        voxel_nm: [f64; 3],
        /// Mean count of a voxel.
        mean: f64,
        /// Largest product of protein density and antibody factor that fits.
        largest: f64,
    },
    /// A channel would make a protein emit more photons than 32 bits hold.
    #[error(
        "[optics.channels.{channel}] makes {fluorophore} emit {mean:.4e} photons per protein, more than \
         32-bit counts hold: lower laser_power or exposure_time"
    )]
    TooManyPhotons {
        /// Name of the channel.
        channel: String,
        /// Name of the fluorophore.
        fluorophore: String,
        /// Mean photons per protein.
        mean: f64,
    },
    /// A layer is labelled between rounds that there are not.
    #[error(
        "[labeling.{0}] labelled = \"between\" needs [expansion] rounds with at least two factors: choose \"before\" or \
         \"after\", or give the rounds"
    )]
    LabelledBetween(String),
    /// A field of displacements cannot be used.
    #[error("[expansion] distortion_file: {0}")]
    DistortionFile(String),
    /// A field of displacements has more nodes than can be held.
    #[error(
        "{keys} needs {nodes} nodes here, of which at most {most} are supported: load a smaller part with \
         [groundtruth] bounds, or leave the shortest length out"
    )]
    FineDistortion {
        /// What asks for the field.
        keys: &'static str,
        /// Nodes of the lattice.
        nodes: usize,
        /// Most that are supported.
        most: usize,
    },
    /// A field displaces too far.
    #[error("{keys} moves tissue by {voxels} voxels; at most {most} are supported")]
    LargeDistortion {
        /// What asks for the field.
        keys: &'static str,
        /// Voxels of the largest displacement along an axis.
        voxels: usize,
        /// Most that are supported.
        most: u32,
    },
    /// Nobody tells the size of a voxel.
    #[error(
        "[groundtruth] voxel_dim is missing, and the volume does not tell the size of its voxels: voxel_dim must be three \
         numbers [z, x, y], each above 0 nm"
    )]
    NoVoxelSize,
    /// Voxels are so small that displaced proteins cross more of them than can be tabulated.
    #[error(
        "[groundtruth] voxel_dim = {voxel_nm} nm{} is too small: a displaced protein (100 nm) would cross \
         {voxels:.1e} voxels; voxels of {least_nm} nm or more are supported",
        upsampled(*parts)
    )]
    TinyVoxel {
        /// Size of the volume's voxel along an axis.
        voxel_nm: f64,
        /// Voxels that are simulated in its place along that axis.
        parts: usize,
        /// Standard deviation of the displacement, in voxels.
        voxels: f64,
        /// Least size of the voxel.
        least_nm: f64,
    },
    /// The baseline does not fit 32 bits.
    #[error("[optics] baseline_noise: {0}")]
    Baseline(TableError),
    /// The magnification does not fit.
    #[error("[optics] pixel_size: a voxel would cover {0} pixels along an axis; use larger pixels")]
    Magnification(u32),
    /// Images are too large for any buffer.
    #[error(
        "[optics] pixel_size: images would be {x} x {y} pixels; at most {max} pixels are supported: use \
         larger pixels (is pixel_size in nm?)",
        max = MOST_PIXELS
    )]
    HugeImages {
        /// Number of rows.
        x: usize,
        /// Number of columns.
        y: usize,
    },
    /// More annotated regions than bits.
    #[error("[groundtruth.regions] has {0} regions; at most {max} are supported", max = region_bits::MOST_ANNOTATIONS)]
    TooManyRegions(usize),
    /// A fluorophore is neither built in nor one of the configuration's own.
    #[error("the fluorophore {0} is not known (a table [fluorophores.NAME] adds one)")]
    UnknownFluorophore(String),
    /// A user's own dye cannot be read.
    #[error(transparent)]
    OwnFluorophore(#[from] OwnFluorophoreError),
    /// The detector cannot be one.
    #[error("[detector] {0}")]
    Detector(String),
    /// A curve of a channel cannot be read.
    #[error("[optics.channels.{channel}] {key}: {problem}")]
    Curve {
        /// Name of the channel.
        channel: String,
        /// Key of the curve.
        key: &'static str,
        /// What is wrong, with the file.
        problem: String,
    },
    /// A measured point spread function cannot be used.
    #[error("[optics] psf_file: {0}")]
    MeasuredPsf(String),
    /// Images are too many.
    #[error(
        "[optics] focal_plane_depth: a stack would have {count} images; at most {max} are supported: use larger steps (is \
         focal_plane_depth in nm?)",
        max = MOST_IMAGES
    )]
    HugeStack {
        /// Number of images.
        count: usize,
    },
    /// The optics of a channel make no sense.
    #[error("[optics], for {fluorophore} in [optics.channels.{channel}]: {problem}")]
    Optics {
        /// Name of the channel.
        channel: String,
        /// Name of the fluorophore.
        fluorophore: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// A point spread function cannot be computed.
    #[error("the point spread function of {fluorophore} in [optics.channels.{channel}]: {source}")]
    Psf {
        /// Name of the channel.
        channel: String,
        /// Name of the fluorophore.
        fluorophore: String,
        /// Error of its computation.
        source: PsfError,
    },
}

/// How messages tell that voxels are cut into parts.
fn upsampled(parts: usize) -> String {
    match parts {
        1 => String::new(),
        parts => format!(" with upsample = {parts}"),
    }
}
