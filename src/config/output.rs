//! `[output]`: folder and form of the images.

use std::path::{Component, Path, PathBuf};

use serde::{Serialize, Serializer};

use super::groundtruth::{CellPart, region};
use super::kind::{ValueKind, boolean, choice};
use super::optics::OF_PHYSICAL;
use super::section::Section;
use super::serialize;
use crate::base::choice::{Choice, alternatives, choice};
use crate::base::formats::{ChunkCodec, Compression, OutputFormat};
use crate::base::text::is_unseen;
use crate::base::volume::Arrangement;

/// Folder and form of the output.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Output {
    /// Name of the experiment, a plain folder name: everything goes to `path`/`name`.
    pub name: String,
    /// Folder of the outputs, absolute once read; made when it does not exist.
    #[serde(serialize_with = "serialize::path")]
    pub path: PathBuf,
    /// File format; default tiff.
    pub format: OutputFormat,
    /// Arrangement of the channels; default one volume each.
    pub sim_channels: ChannelArrangement,
    /// What the files of channels are called after; default their names, of .ini files SimExm's
    /// numbers.
    pub channel_files: ChannelFiles,
    /// Arrangement of the ground truth's cells: one volume for all, or one for each; default
    /// merged.
    pub gt_cells: Arrangement,
    /// Part of the labelled cells that the ground truth shows; default full.
    pub gt_region: CellPart,
    /// Numbers that stand for the cells in the ground truth; default their ids.
    pub ids: WrittenIds,
    /// Bits of a grey value of the channels; default 8.
    pub bit_depth: BitDepth,
    /// Meaning of a grey value; default channel.
    pub normalize: Normalization,
    /// True where the expected electrons of every pixel are written, too; default false. Only the
    /// model `physical` has them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub expected: bool,
    /// Compression of all TIFF volumes; `None`: the channels' none, the ids' deflate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<Compression>,
    /// Codec of the chunks of an OME-Zarr; `None`: of images blosc, of ids zstd.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codec: Option<ChunkCodec>,
    /// Most rows and columns of a file of an OME-Zarr; `None`: 1024.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "serialize::number_if_any"
    )]
    pub shard: Option<usize>,
}

impl Default for Output {
    /// Takes `output/experiment`, and SimExm's defaults, which hold for every key that a
    /// configuration leaves out.
    fn default() -> Self {
        Self {
            name: "experiment".to_owned(),
            path: PathBuf::from("output"),
            format: OutputFormat::default(),
            sim_channels: ChannelArrangement::Split,
            channel_files: ChannelFiles::Names,
            gt_cells: Arrangement::Merged,
            gt_region: CellPart::Full,
            ids: WrittenIds::Kept,
            bit_depth: BitDepth::Eight,
            normalize: Normalization::Channel,
            expected: false,
            compression: None,
            codec: None,
            shard: None,
        }
    }
}

impl Output {
    /// Returns the folder of all files of the run.
    pub fn folder(&self) -> PathBuf {
        self.path.join(&self.name)
    }
}

choice! {
    /// Arrangement of the channels in volumes.
    pub enum ChannelArrangement {
        /// By threes, as red, green and blue.
        Merged = "merged",
        /// One volume for each; SimExm spells the word "splitted".
        Split = "splitted" | "split",
        /// All in one volume, which ImageJ and napari show in the channels' colours.
        Composite = "composite",
    }
}

choice! {
    /// What the file of a channel is called after.
    pub enum ChannelFiles {
        /// The channel, `membranes.tiff`.
        Names = "names",
        /// Its place in the order of the names, `channel_0.tiff`, as SimExm has it.
        Numbers = "numbers",
    }
}

choice! {
    /// Numbers that stand for the cells in the ground truth.
    pub enum WrittenIds {
        /// Those of the volume that was read.
        Kept = "kept",
        /// 1 to n in the order of the ids, with a table of these.
        Compact = "compact",
    }
}

/// Bits of a grey value. In a configuration the number 8 or 16.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BitDepth {
    /// 0 to 255.
    #[default]
    Eight,
    /// 0 to 65 535.
    Sixteen,
}

impl BitDepth {
    /// Returns the number of bits.
    pub fn bits(self) -> u32 {
        match self {
            Self::Eight => 8,
            Self::Sixteen => 16,
        }
    }

    /// Returns the largest grey value.
    pub fn largest(self) -> u32 {
        (1 << self.bits()) - 1
    }
}

impl Serialize for BitDepth {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.bits())
    }
}

fn bit_depth() -> ValueKind<'static, BitDepth> {
    ValueKind::new("8 or 16", |value| match value.as_whole()? {
        8 => Some(BitDepth::Eight),
        16 => Some(BitDepth::Sixteen),
        _ => None,
    })
}

choice! {
    /// Meaning of the channels' grey values.
    pub enum Normalization {
        /// Shares of the channel's brightest pixel, which has the largest grey value.
        Channel = "channel",
        /// Photons, cut at the largest grey value.
        None = "none",
    }
}

/// Takes rows and columns that whole chunks make.
fn shard() -> ValueKind<'static, usize> {
    ValueKind::new("a multiple of 64 from 64 to 65536", |value| {
        let size = usize::try_from(value.as_whole()?).ok()?;
        (64..=1 << 16)
            .contains(&size)
            .then_some(size)
            .filter(|size| size.is_multiple_of(64))
    })
}

/// Takes a folder name without a path around it, on any system.
pub(super) fn folder_name() -> ValueKind<'static, String> {
    let expected =
        "a plain folder name (not empty, not . or .., no / or \\, no invisible characters)";
    ValueKind::new(expected, |value| {
        let name = value.as_text()?;
        let is_plain = !name
            .chars()
            .any(|c| matches!(c, '/' | '\\') || is_unseen(c));
        let mut components = Path::new(name).components();
        let is_one = matches!(components.next(), Some(Component::Normal(part)) if part == name);
        (is_plain && is_one && components.next().is_none()).then(|| name.to_owned())
    })
}

/// Reads the section; `detector_bits` are those of the model `physical`, which counts electrons.
pub(super) fn read(section: &mut Section<'_>, detector_bits: Option<u32>) -> Option<Output> {
    let context = section.context;
    let name = section.required("name", folder_name());
    let path = section.required_path("path");
    let mut default = Output::default();
    if let Some(bits) = detector_bits {
        default.normalize = Normalization::None;
        if bits > 8 {
            default.bit_depth = BitDepth::Sixteen;
        }
    }
    let format = section
        .optional("format", choice())
        .unwrap_or(default.format);
    if format.holds_all {
        default.sim_channels = ChannelArrangement::Composite;
    }
    let sim_channels = section
        .optional("sim_channels", choice())
        .unwrap_or(default.sim_channels);
    let channel_files = section
        .optional("channel_files", choice())
        .unwrap_or(default.channel_files);
    let gt_cells = section
        .optional("gt_cells", choice())
        .unwrap_or(default.gt_cells);
    let gt_region = section
        .optional("gt_region", region(context))
        .unwrap_or(default.gt_region);
    let ids = section.optional("ids", choice()).unwrap_or(default.ids);
    let bit_depth = section
        .optional("bit_depth", bit_depth())
        .unwrap_or(default.bit_depth);
    let normalize = section
        .optional("normalize", choice())
        .unwrap_or(default.normalize);
    let expected = match detector_bits {
        Some(_) => section.optional("expected", boolean()).unwrap_or(false),
        None => {
            section.forbid("expected", OF_PHYSICAL);
            false
        }
    };
    let compression = section.optional("compression", choice());
    let codec = section.optional("codec", choice());
    let shard = section.optional("shard", shard());
    if let Some(bits) = detector_bits {
        if normalize == Normalization::Channel {
            let expected =
                "\"none\" with [model] kind = \"physical\", whose grey values are the detector's";
            section.contradiction("normalize", "normalize", expected);
        }
        if bits > bit_depth.bits() {
            let expected = format!("16 where [detector] bits is {bits}");
            section.contradiction("bit_depth", "bit_depth", &expected);
        }
    }
    if format.grey_bits < bit_depth.bits() {
        let holds = |format: &OutputFormat| format.grey_bits >= bit_depth.bits();
        let others = OutputFormat::all().into_iter().filter(holds);
        let others: Vec<_> = others.map(Choice::as_str).collect();
        section.contradiction(
            "bit_depth",
            "format",
            &format!(
                "{least} where format is \"{format}\", which holds {least} bits; take {} for {}",
                alternatives(&others),
                bit_depth.bits(),
                least = format.grey_bits,
            ),
        );
    }
    if format.holds_all && sim_channels != ChannelArrangement::Composite {
        let expected =
            format!("\"composite\" where format is \"{format}\", which holds all channels");
        section.contradiction("sim_channels", "format", &expected);
    }
    if format.holds_all && gt_cells == Arrangement::Split {
        let expected =
            format!("\"merged\" where format is \"{format}\"; \"tiff\" takes \"splitted\"");
        section.contradiction("gt_cells", "format", &expected);
    }
    if sim_channels == ChannelArrangement::Composite && !format.holds_channels {
        let holds = |format: &OutputFormat| format.holds_channels;
        let others = OutputFormat::all().into_iter().filter(holds);
        let others: Vec<_> = others.map(Choice::as_str).collect();
        section.contradiction(
            "sim_channels",
            "format",
            &format!(
                "\"split\" or \"merged\" where format is \"{format}\"; {} takes \"composite\"",
                alternatives(&others),
            ),
        );
    }
    Some(Output {
        name: name?,
        path: path?,
        format,
        sim_channels,
        channel_files,
        gt_cells,
        gt_region,
        ids,
        bit_depth,
        normalize,
        expected,
        compression,
        codec,
        shard,
    })
}
