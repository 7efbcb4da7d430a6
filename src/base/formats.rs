//! The formats of volumes by name: what configurations, messages and tables have to know of them.
//!
//! Which formats there are, only `io` knows: its tables, of which each format is one row, also say
//! what [`Choice`] lists here.

use super::choice::{Choice, any_of, by_word, choice};

/// A format that label volumes are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InputFormat {
    /// The word for it in a configuration.
    pub(crate) name: &'static str,
    /// What a volume in it is, without an article.
    pub(crate) noun: &'static str,
    /// Ends of the names of its volumes, without the dot; none where any name will do.
    pub(crate) extensions: &'static [&'static str],
    /// Whether a volume is a folder.
    pub(crate) is_folder: bool,
}

impl InputFormat {
    /// A volume of the format, without an article: `TIFF stack (.tif, .tiff)`.
    pub(crate) fn volume(self) -> String {
        let mut volume = self.noun.to_owned();
        if !self.extensions.is_empty() {
            volume += &format!(" (.{})", self.extensions.join(", ."));
        }
        volume
    }

    /// The volumes of all formats, any of which will do: `a ... or a ...`.
    pub(crate) fn any_volume() -> String {
        let volumes = Self::all().into_iter();
        any_of(
            &volumes
                .map(|format| format!("a {}", format.volume()))
                .collect::<Vec<_>>(),
        )
    }
}

by_word!(InputFormat);

/// A format that volumes are written in, made of its name:
///
/// ```
/// use simexm_gpu::config::{Choice, Output, OutputFormat};
///
/// let output = Output { format: "gif".parse()?, ..Output::default() };
/// assert!(OutputFormat::all().contains(&output.format));
/// # Ok::<(), simexm_gpu::config::UnknownChoice>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OutputFormat {
    /// The word for it in a configuration.
    pub(crate) name: &'static str,
    /// What a volume in it is, without an article.
    pub(crate) noun: &'static str,
    /// Most bits of a grey value.
    pub(crate) grey_bits: u32,
    /// Whether a volume holds any number of channels.
    pub(crate) holds_channels: bool,
    /// Whether one result holds all channels and all ground truths of a run.
    pub(crate) holds_all: bool,
    /// Slices that are encoded together. The last piece of a volume may have fewer.
    pub(crate) piece_slices: usize,
}

impl Default for OutputFormat {
    /// The first one.
    fn default() -> Self {
        Self::all()[0]
    }
}

by_word!(OutputFormat);

choice! {
    /// How volumes are compressed whose format leaves the choice.
    pub enum Compression {
        /// Not at all.
        None = "none",
        /// Deflate (zlib), lossless.
        Deflate = "deflate",
    }
}

choice! {
    /// How the chunks of a container are packed.
    pub enum ChunkCodec {
        /// Blosc with LZ4 and transposed bits: fast, and the best of the fast ones on noise.
        Blosc = "blosc",
        /// Zstandard, which packs ids best.
        Zstd = "zstd",
        /// Deflate, which everything reads.
        Gzip = "gzip",
        /// Not at all.
        None = "none",
    }
}

choice! {
    /// How a label volume stores the id of a voxel.
    #[derive(Default)]
    pub enum StoredIds {
        /// As one number; of a palette as its index.
        #[default]
        Number = "number",
        /// As a colour, red + 256 green + 65536 blue.
        Rgb = "rgb",
        /// As a colour, blue + 256 green + 65536 red.
        Bgr = "bgr",
    }
}

impl StoredIds {
    /// The id that a colour of 8 bits each stands for.
    pub(crate) fn of_colour(self, [red, green, blue]: [u8; 3]) -> u64 {
        let [low, middle, high] = match self {
            Self::Bgr => [blue, green, red],
            Self::Number | Self::Rgb => [red, green, blue],
        };
        u64::from(low) | u64::from(middle) << 8 | u64::from(high) << 16
    }
}
