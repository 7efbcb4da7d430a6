//! The public modules that are no layer of their own: what a user of the library needs of the
//! layers, by subject. What a signature names that is no concern of a user, such as a backend's
//! recordings, is wrapped here.

pub mod convolution;
pub mod device;
pub mod findings;
pub mod write;

pub mod simulation {
    //! Whole runs: [`simulate`] from files to files, [`simulate_arrays`] in memory, and
    //! [`Simulator`] for many runs in memory on a device that is opened once.
    //!
    //! Each takes a [`Watcher`], which learns of progress and warnings and may stop the run;
    //! [`Silent`] is one that does nothing.

    pub use crate::base::progress::{Observer, Silent, Watcher};
    pub use crate::engine::compute::{KernelTime, Traffic};
    #[doc(hidden)]
    pub use crate::optics::physical::keep_kernels;
    pub use crate::run::error::SimulationError;
    pub use crate::run::report::{Report, StageTime};
    #[doc(hidden)]
    pub use crate::run::simulation::{CellCode, Cluster, RoundTruth};
    pub use crate::run::simulation::{
        ChannelImage, GroundTruthImage, Images, Options, Simulator, Tissue,
    };
    #[doc(hidden)]
    pub use crate::run::simulation::{Look, take_voxel_size};
    #[doc(no_inline)]
    pub use crate::run::simulation::{simulate, simulate_arrays};
}

pub mod fluorophore {
    //! Dyes: their spectra, and the photons that a labelled protein gives.
    //!
    //! Some dyes are built in, see [`find`]. A configuration may add dyes of its own
    //! ([`crate::config::OwnFluorophore`]), whose spectra come from a text file; [`all`] and
    //! [`Fluorophore::of`] look among both.

    #[doc(hidden)]
    pub use crate::optics::fluorophore::TwoPhoton;
    pub use crate::optics::fluorophore::{Fluorophore, Spectrum, all, find};
}

pub mod psf {
    //! Point spread functions: the image of one point of light.
    //!
    //! [`point_spread_functions`] gives those of a configuration, [`PointSpreadFunction`] that of a
    //! scanning microscope of given parameters; [`Psf`] holds any function on voxels, as a
    //! [`Convolution`](crate::convolution::Convolution) takes it.

    pub use crate::engine::psf::{Psf, PsfShape};
    #[doc(hidden)]
    pub use crate::model::point_spread::with_other_fluorophores;
    pub use crate::model::{PsfVolume, point_spread_functions};
    pub use crate::optics::psf::{Microscope, PointSpreadFunction, PsfParameters};
}

pub mod read {
    //! Reading label volumes: integer ids on a grid (z, x, y), from TIFF stacks, folders of images
    //! and NumPy arrays; and cells that have a volume each.
    //!
    //! [`open`] looks at headers and tags only; pixels are decoded by [`SliceReader`]s, one per
    //! thread, slice by slice and no more of a slice than is asked for. Ids come as `u64` whatever
    //! type the file stores, never rescaled and never inverted.

    pub use crate::base::volume::VoxelBox;
    #[doc(no_inline)]
    pub use crate::config::{InputFormat, StoredIds};
    #[doc(hidden)]
    pub use crate::io::read::IdsMut;
    pub use crate::io::read::{
        ArraySource, CellSource, CellStack, Facts, ReadOptions, SliceReader, SplittedCells,
        VolumeSource, open, open_as, open_cells,
    };
}

pub mod plot {
    //! Plots of spectra and of point spread functions, as SVG and as PNG.

    pub use crate::show::plot::{ChannelBand, ImageFormat, sections, spectra};
}

pub mod error {
    //! What can go wrong. Every error says what is wrong and what would be right, in one sentence
    //! for people; the variants are for programs that react to them.

    #[doc(no_inline)]
    pub use super::simulation::SimulationError;
    pub use crate::base::volume::OutOfBounds;
    #[doc(no_inline)]
    pub use crate::config::{ConfigError, OverrideError, Problem, UnknownChoice};
    pub use crate::engine::compute::ComputeError;
    pub use crate::engine::convolution::ConvolutionError;
    pub use crate::engine::rng::TableError;
    pub use crate::io::read::ReadError;
    pub use crate::io::write::WriteError;
    pub use crate::model::ModelError;
    pub use crate::optics::fluorophore::table::TableProblem;
    pub use crate::optics::fluorophore::{OwnFluorophoreError, SpectrumError};
    pub use crate::optics::psf::PsfError;
    pub use crate::phantom::PhantomError;
    pub use crate::run::ground_truth::LoadError;
    pub use crate::run::journal::JournalError;
    pub use crate::run::pipeline::RunError;
    pub use crate::run::plan::PlanError;
    pub use crate::run::store::StoreError;
    pub use crate::show::plot::PlotError;
}
