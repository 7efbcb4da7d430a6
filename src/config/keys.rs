//! Catalogue of all sections and keys: type, unit, range, default and meaning of each. Commented
//! configurations and the table of docs/keys.md are made of it.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::LazyLock;

use super::groundtruth::CellsFrom;
use super::optics::Magnify;
use super::physical::{Boundary, ModelKind, PsfModel};
use super::presets::MicroscopePreset;
use super::stain::{Labelled, Stain};
use crate::base::choice::{Choice, alternatives, any_of};
use crate::base::formats::{ChunkCodec, InputFormat, OutputFormat, StoredIds};
use crate::optics::detector::{CameraModel, DetectorKind};
use crate::optics::fluorophore;
use crate::optics::microscope::Microscope;

/// Section of a configuration.
#[derive(Clone, Debug)]
pub struct SectionInfo {
    /// Dotted name; a last part `NAME` stands for one that the user chooses.
    pub name: &'static str,
    /// Meaning of the section, a sentence.
    pub meaning: &'static str,
    /// Keys of the section, in the order in which they are written.
    pub keys: Vec<KeyInfo>,
    /// Example for a commented configuration without such a section, as lines of TOML.
    pub example: Option<&'static str>,
}

impl SectionInfo {
    /// The keys that a configuration of this model may have.
    pub fn keys_of(&self, model: ModelKind) -> impl Iterator<Item = &KeyInfo> {
        let has = move |key: &&KeyInfo| key.model.is_none_or(|only| only == model);
        self.keys.iter().filter(has)
    }
}

/// Key of a section.
#[derive(Clone, Debug)]
pub struct KeyInfo {
    /// Name of the key.
    pub name: &'static str,
    /// Type of its value.
    pub takes: &'static str,
    /// Unit of its value; empty where there is none.
    pub unit: &'static str,
    /// Range of its values; empty where the type says it all.
    pub range: Cow<'static, str>,
    /// Default where the key is left out.
    pub default: DefaultInfo,
    /// Meaning of the key, a sentence.
    pub meaning: Cow<'static, str>,
    /// The one model that has the key; `None` where both have it.
    pub model: Option<ModelKind>,
}

/// Default of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultInfo {
    /// None: the key is required.
    Required,
    /// Value, as TOML writes it.
    Value(&'static str),
    /// Something that is no value.
    Otherwise {
        /// Effect of leaving the key out, a phrase.
        meaning: &'static str,
        /// Example of a value, as TOML writes it.
        example: &'static str,
    },
}

use DefaultInfo::{Otherwise, Required, Value};

fn key(
    name: &'static str,
    takes: &'static str,
    unit: &'static str,
    range: impl Into<Cow<'static, str>>,
    default: DefaultInfo,
    meaning: impl Into<Cow<'static, str>>,
) -> KeyInfo {
    KeyInfo {
        name,
        takes,
        unit,
        range: range.into(),
        default,
        meaning: meaning.into(),
        model: None,
    }
}

impl KeyInfo {
    /// The key as one that only this model has.
    fn only(self, model: ModelKind) -> Self {
        Self {
            model: Some(model),
            ..self
        }
    }
}

/// Keys of a section that the model `physical` has and `simexm` has not.
pub(super) fn of_physical_alone(section: &str) -> impl Iterator<Item = &'static str> {
    let section = SECTIONS.iter().find(move |info| info.name == section);
    section.into_iter().flat_map(|section| {
        let names = |model| section.keys_of(model).map(|key| key.name);
        let also = move |name: &&str| !names(ModelKind::Simexm).any(|other| other == *name);
        names(ModelKind::Physical).filter(also)
    })
}

/// The words of a key, as messages list them.
fn words<C: Choice>() -> String {
    let words: Vec<_> = C::all().into_iter().map(Choice::as_str).collect();
    alternatives(&words)
}

const DATASET: &str = "Which array or image of a container (Zarr, N5, HDF5, precomputed) that holds several; docs/containers.md.";
const LEVEL: &str = "Which level of a pyramid in a container.";
const SHARE: &str = "from 0 to 1";
const HAZE: &str = "a number of at least 0 electrons per s, or a list of depths in um of at least 0, ascending, and such numbers, [[depth, haze], ...]";
const REGIONS: &str = r#""full", "membrane", "cytosol" or the name of a region"#;
const SIZE: &str = r#"from 1 MB to 1 EB, like 300000000, "300M", "2 GB" or "1.5 GiB""#;
const ARRANGEMENT: &str = r#""merged", "splitted" or "split""#;

/// Keys that SimExm misspells, each with its right spelling: both are read, SimExm's is written.
const SPELLINGS: [[&str; 2]; 1] = [["refractory_index", "refractive_index"]];

/// Returns the other spelling of a key that has two.
pub(super) fn other_spelling(key: &str) -> Option<&'static str> {
    SPELLINGS.iter().find_map(|&[simexm, right]| match key {
        _ if key == simexm => Some(right),
        _ if key == right => Some(simexm),
        _ => None,
    })
}

/// Sections, in the order in which they are written.
#[rustfmt::skip]
pub static SECTIONS: LazyLock<Vec<SectionInfo>> = LazyLock::new(|| vec![
    SectionInfo { name: "model", example: None, meaning: "How labels become grey values.", keys: vec![
        key("kind", "word", "", words::<ModelKind>(), Otherwise { meaning: "\"simexm\"", example: "\"simexm\"" }, "The model: SimExm's, or photons, optics and detector as physics has them."),
    ] },
    SectionInfo { name: "groundtruth", example: None, meaning: "The segmented tissue.", keys: vec![
        key("image_path", "path", "", "", Required, format!("Label volume: {}; pixels are the ids of cells, 0 is background. A pattern like \"img*_masks.tif\" takes the images of that name. With gt_cells = \"splitted\" a folder with one volume per cell.", InputFormat::any_volume())),
        key("offset", "three whole numbers [z, x, y]", "voxels", "from 0 to 4294967295", Value("[0, 0, 0]"), "First voxel that is loaded."),
        key("bounds", "three whole numbers [z, x, y]", "voxels", "from 1 to 4294967295", Otherwise { meaning: "the rest of the volume", example: "[20, 100, 100]" }, "Size of what is loaded."),
        key("format", "word", "", words::<InputFormat>(), Otherwise { meaning: "recognised", example: "\"tiff\"" }, "Format of the volumes."),
        key("gt_cells", "word", "", ARRANGEMENT, Value("\"merged\""), "One volume with all cells, or one volume per cell, which may overlap."),
        key("isotropic", "boolean", "", "true or false", Required, "Whether membranes are found among all 26 neighbours of a voxel, or among the 8 in its slice."),
        key("voxel_dim", "three numbers [z, x, y]", "nm", "above 0", Otherwise { meaning: "what the file tells", example: "[40, 24, 24]" }, "Size of a voxel before expansion. ImageJ's TIFFs, OME-TIFFs and most containers tell it; for others it is needed."),
        key("upsample", "whole number or list", "", "a whole number from 1 to 64, or three [z, x, y]", Otherwise { meaning: "1", example: "3" }, "Voxels that are simulated in place of one of the volume, along each axis: for tissue that is coarser than the optics. offset and bounds count the volume's."),
        key("ids", "word", "", words::<StoredIds>(), Otherwise { meaning: "\"number\"", example: "\"rgb\"" }, "How ids are stored: as a number, as a colour r + 256 g + 65536 b (rgb), or as b + 256 g + 65536 r (bgr)."),
        key("background", "whole number or list", "", "a whole number from -2^63 to 2^64 - 1, or a list of such", Otherwise { meaning: "0 alone", example: "-1" }, "Numbers that are background. Where 0 is not among them it is a cell like any other, written as the number behind the largest id."),
        key("label", "word", "", words::<CellsFrom>(), Otherwise { meaning: "\"ids\"", example: "\"components\"" }, "What makes a cell: an id, or the voxels of an id that touch by their faces, as for a mask of 0 and 255."),
        key("series", "whole number", "", "from 0 to 4294967295", Otherwise { meaning: "the first", example: "0" }, "Which series of a file that holds several."),
        key("channel", "whole number", "", "from 0 to 4294967295", Otherwise { meaning: "there is one", example: "0" }, "Which channel of a file that holds several."),
        key("time", "whole number", "", "from 0 to 4294967295", Otherwise { meaning: "there is one", example: "0" }, "Which time point of a file that holds several."),
        key("dataset", "path in a container", "", "", Otherwise { meaning: "there is one", example: "\"volumes/labels/neuron_ids\"" }, DATASET),
        key("level", "whole number", "", "from 0 to 4294967295", Otherwise { meaning: "the finest", example: "0" }, LEVEL),
    ] },
    SectionInfo { name: "groundtruth.regions.NAME", example: Some("[groundtruth.regions.synapse]\nregion_path = \"synapses.tif\""), meaning: "A region that layers may label and the ground truth may show, beside full, membrane and cytosol.", keys: vec![
        key("region_path", "path", "", "", Required, "Volume of the same size as the cells', not 0 where the region is."),
        key("dataset", "path in a container", "", "", Otherwise { meaning: "there is one", example: "\"volumes/labels/clefts\"" }, DATASET),
        key("level", "whole number", "", "from 0 to 4294967295", Otherwise { meaning: "the finest", example: "0" }, LEVEL),
    ] },
    SectionInfo { name: "labeling", example: None, meaning: "Which proteins carry which fluorophore.", keys: vec![
        key("global_density", "number", "", SHARE, Value("1.0"), "Share of the cells that take up any label."),
        key("barcode_layers", "whole number", "", "from 1 to 64", Otherwise { meaning: "there are no barcodes", example: "2" }, "Layers of a cell's barcode, of those with barcode = true."),
        key("barcode_levels", "list", "", "a list of 1 to 16 numbers, each above 0", Otherwise { meaning: "[1.0]", example: "[0.5, 1.0]" }, "Brightness of a layer of a barcode over that of the layer: one of these for each cell and layer."),
    ] },
    SectionInfo { name: "labeling.NAME", example: None, meaning: "A layer: one application of a fluorophore. At least one is needed.", keys: vec![
        key("fluorophore", "word", "", format!("{} or the name of an own one", fluorophore::names().collect::<Vec<_>>().join(", ")), Value("\"ATTO425\""), "The dye."),
        key("region", "word", "", REGIONS, Value("\"full\""), "Part of the cell whose proteins are labelled."),
        key("labeling_density", "number", "", SHARE, Value("0.5"), "Share of the eligible cells that are labelled."),
        key("protein_density", "number", "per nm^3", SHARE, Value("0.2"), "Mean number of labelled proteins; 0.01 by default of a stain of protein.").only(ModelKind::Simexm),
        key("protein_density", "number", "per nm^3", SHARE, Value("0.0001"), "Mean number of labelled proteins; 0.01 by default of a stain of protein.").only(ModelKind::Physical),
        key("protein_noise", "number", "", SHARE, Value("0.0"), "Share of the proteins that drift off, by 100 nm (standard deviation)."),
        key("antibody_amp", "number", "", "at least 1", Value("5.0"), "Factor by which antibodies multiply the fluorophores of a protein."),
        key("single_neuron", "boolean or word", "", r#"true, false, "random" (the same as true) or "largest""#, Value("false"), "Whether only one of the cells with voxels in the region is labelled, and which."),
        key("stain", "word", "", words::<Stain>(), Otherwise { meaning: "\"cells\"", example: "\"cells\"" }, "What is labelled: proteins of some cells, or all protein there is (NHS esters, pan-ExM, LICONN)."),
        key("linkage", "number", "nm", "at least 0", Otherwise { meaning: "0", example: "17.5" }, "Distance of a fluorophore from what it labels when it is attached, root mean square: 17.5 nm of two antibodies, 10 of one, 4 of a nanobody."),
        key("labelled", "word", "", words::<Labelled>(), Otherwise { meaning: "\"before\"", example: "\"after\"" }, "Whether it is attached before expansion, after the first of several rounds, or after all."),
        key("retention", "number", "", SHARE, Otherwise { meaning: "1", example: "0.6" }, "Share of the labels that digestion and washes leave."),
        key("membrane_density", "number", "per nm^2", "from 0 to 10", Otherwise { meaning: "protein_density per volume", example: "0.002" }, "Mean number of labelled proteins of the membrane's area, in place of protein_density: brightness does not follow the size of voxels."),
        key("cell_variation", "number", "", "from 0 to 10", Otherwise { meaning: "0", example: "0.5" }, "Standard deviation of the cells' brightness over its mean, log-normal."),
        key("barcode", "boolean", "", "true or false", Otherwise { meaning: "false", example: "true" }, "Whether the layer is one of those of which each cell has barcode_layers, drawn at random; groundtruth/codes.csv tells which."),
        key("puncta_proteins", "number", "", "above 0 up to 1000000", Otherwise { meaning: "proteins do not cluster", example: "40.0" }, "Mean number of proteins of a cluster; protein_density counts proteins."),
        key("puncta_spread", "number", "nm", "at least 0", Otherwise { meaning: "0", example: "60.0" }, "Distance of a cluster's proteins from its middle in tissue, root mean square."),
        key("density_of", "table", "", "a table of numbers of at least 0 by regions, full, membrane, cytosol, outside or the name of a region", Otherwise { meaning: "{ cytosol = 1, membrane = 0.5, outside = 0.15 } of a stain of protein", example: "{ cytosol = 1.0, membrane = 0.5, outside = 0.15 }" }, "For a stain of protein, its density in regions over protein_density. A voxel has that of its own region, else of membrane or cytosol, else of the whole cell."),
    ] },
    SectionInfo { name: "expansion", example: None, meaning: "How far the gel swells.", keys: vec![
        key("factor", "number or three", "", "a number of at least 1, or three of them [z, x, y]", Required, "Linear expansion factor, alike along all axes or of each."),
        key("rounds", "list", "", "a list of numbers, each at least 1", Otherwise { meaning: "factor says it", example: "[4.0, 4.0]" }, "In place of factor, those of expansions one after the other: they multiply."),
        key("distortion", "word or list", "um", "\"none\", \"mild\", \"liconn\" or a list of two numbers above 0 each, [[length, displacement], ...]", Otherwise { meaning: "\"none\"", example: "\"mild\"" }, "How unevenly the gel swells: mild is wrong by 2 per cent of any length below 10 um, liconn as its demonstration; or Gaussian fields, each with the length over which it is alike and the standard deviation of its displacement, in um of tissue. Written to groundtruth/displacement.tiff."),
        key("distortion_file", "path", "", "", Otherwise { meaning: "distortion says it", example: "\"displacement.tiff\"" }, "A field that was measured: a TIFF stack or an OME-Zarr of three channels, the displacements along z, x and y in voxels."),
        key("distortion_pitch", "three whole numbers", "voxels", "three whole numbers [z, x, y], each a power of two from 1 to 512", Otherwise { meaning: "[1, 1, 1]", example: "[4, 8, 8]" }, "Voxels between the samples of distortion_file; the first lies on the volume's first voxel."),
    ] },
    SectionInfo { name: "tissue", example: Some("[tissue]\nautofluorescence = 0.000002\nattenuation_length = 200"), meaning: "Light of the tissue itself, and what it leaves of the dyes'.", keys: vec![
        key("autofluorescence", "number", "per nm^3", SHARE, Otherwise { meaning: "none", example: "0.000002" }, "Molecules that shine by themselves, in every voxel, as a stain of protein does: a layer of the name autofluorescence."),
        key("autofluorescence_dye", "word", "", "a fluorophore, as of layers", Otherwise { meaning: "\"Flavin\"", example: "\"Flavin\"" }, "The dye that they are like."),
        key("autofluorescence_of", "table", "", "a table of numbers of at least 0 by regions, full, membrane, cytosol, outside or the name of a region", Otherwise { meaning: "{ cytosol = 1, membrane = 0.5, outside = 0.15 }", example: "{ cytosol = 1.0, outside = 0.3 }" }, "Their density in regions over autofluorescence, as density_of of a stain of protein."),
        key("attenuation_length", "number", "um", "above 0", Otherwise { meaning: "the tissue is clear", example: "150.0" }, "Length in the gel over which scattering and absorption leave 1/e of the light, there and back, in channels that say nothing of it."),
        key("haze", "number or list", "", HAZE, Otherwise { meaning: "none", example: "[[0.0, 5.0], [100.0, 20.0]]" }, "Light from elsewhere in the gel on every pixel, in channels that say nothing of it; it may change with the depth.").only(ModelKind::Physical),
    ] },
    SectionInfo { name: "optics", example: None, meaning: "The microscope.", keys: vec![
        key("microscope", "word", "", words::<MicroscopePreset>(), Otherwise { meaning: "none", example: "\"spinning disk\"" }, "A microscope that gives the keys of [optics] and [detector] that are left out (docs/microscopes.md), but for the gel's index and the channels.").only(ModelKind::Physical),
        key("objective", "text", "", "magnification, aperture and immersion (W, G, S, O, or none in air)", Otherwise { meaning: "the microscope's", example: "\"60x/1.2W\"" }, "An objective as it is engraved: it gives objective_factor, numerical_aperture and immersion_index where they are left out.").only(ModelKind::Physical),
        key("type", "word", "", Microscope::words_of_simexm(), Required, "Type of microscope.").only(ModelKind::Simexm),
        key("type", "word", "", words::<Microscope>(), Required, "Type of microscope.").only(ModelKind::Physical),
        key("numerical_aperture", "number", "", "above 0", Required, "Numerical aperture of the objective, below refractory_index."),
        key("refractory_index", "number", "", "at least 1", Required, "Refractive index of the medium; water and gels have 1.33."),
        key("focal_plane_depth", "number", "nm", "at least 1", Required, "Distance of the images' slices in the expanded specimen."),
        key("objective_back_aperture", "number", "m", "above 0", Required, "Back aperture; over objective_factor it is the radius of the laser's beam.").only(ModelKind::Simexm),
        key("exposure_time", "number", "s", "at least 0", Required, "Exposure time of a pixel."),
        key("objective_efficiency", "number", "", SHARE, Required, "Share of the light that the objective passes on."),
        key("detector_efficiency", "number", "", SHARE, Required, "Share of the light that the detector sees. Where [detector] names a camera it may be left out: it is the camera's at the best wavelength."),
        key("objective_factor", "number", "", "at least 1", Required, "Magnification of the objective."),
        key("pixel_size", "number", "nm", "at least 1", Required, "Size of a pixel on the camera."),
        key("pinhole_radius", "number", "um", "at least 0", Required, "Radius of the pinhole in its own plane; the confocal microscope has one. \"1 AU\" is a diameter of one Airy unit, at the mean middle of all channels' filters.").only(ModelKind::Simexm),
        key("pinhole_radius", "number", "um", "at least 0", Otherwise { meaning: "pinhole_airy = 1, or 25 on a spinning disk", example: "30.0" }, "Radius of the pinholes in their own plane, of confocal microscopes and spinning disks; \"1 AU\" is a diameter of one Airy unit.").only(ModelKind::Physical),
        key("baseline_noise", "number", "photons", "at least 0", Required, "Mean background in the middle of a slice.").only(ModelKind::Simexm),
        key("magnify", "word", "", words::<Magnify>(), Otherwise { meaning: "\"jitter\"", example: "\"area\"" }, "What becomes of a voxel that covers several pixels: its light is spread over them evenly (area), or falls on one of them or beyond at random, as SimExm has it, which moves images against the ground truth (jitter).").only(ModelKind::Simexm),
        key("psf", "word", "", words::<PsfModel>(), Value("\"vectorial\""), "Where the point spread function comes from: the diffraction integral of light waves or of scalar ones, or a stack that was measured.").only(ModelKind::Physical),
        key("psf_file", "path", "", "", Otherwise { meaning: "psf = \"measured\" needs it", example: "\"bead.tif\"" }, "TIFF stack of a measured point spread function: the image of a bead, each plane focused deeper than the one before.").only(ModelKind::Physical),
        key("psf_voxel", "three numbers [z, x, y]", "nm", "above 0", Otherwise { meaning: "psf = \"measured\" needs it", example: "[200.0, 65.0, 65.0]" }, "Size of its voxels in the gel.").only(ModelKind::Physical),
        key("psf_background", "number", "", "at least 0", Otherwise { meaning: "0", example: "100.0" }, "Its values where there is no light.").only(ModelKind::Physical),
        key("psf_truncation", "number", "", "from 0.000001 to 0.5", Value("0.02"), "Share of a plane's light that the point spread function may leave out; the rest is scaled to the whole.").only(ModelKind::Physical),
        key("psf_depth_truncation", "number", "", "from 0.000001 to 0.5", Value("0.02"), "Share of the light of all planes that may come from beyond the last ones, which take it over.").only(ModelKind::Physical),
        key("psf_reach", "whole number", "voxels", "from 1 to 512", Otherwise { meaning: "256, or the tissue's size", example: "128" }, "Most voxels from the centre of the point spread function to its last one.").only(ModelKind::Physical),
        key("boundary", "word", "", words::<Boundary>(), Value("\"reflect\""), "What lies beyond the tissue: its reflection, or nothing. Along z it is nothing anyway for wide fields and spinning disks.").only(ModelKind::Physical),
        key("spectral_bins", "whole number", "", "from 1 to 100", Value("1"), "Parts of equal light into which a filter's band is cut, each blurred by its own wavelength.").only(ModelKind::Physical),
        key("immersion_index", "number", "", "from 1 to 2", Otherwise { meaning: "the gel's", example: "1.515" }, "Refractive index of the immersion; above numerical_aperture.").only(ModelKind::Physical),
        key("immersion_index_design", "number", "", "from 1 to 2", Otherwise { meaning: "the immersion's", example: "1.515" }, "Index of the immersion that the objective is corrected for.").only(ModelKind::Physical),
        key("coverslip_index", "number", "", "from 1 to 2", Value("1.5255"), "Refractive index of the coverslip.").only(ModelKind::Physical),
        key("coverslip_index_design", "number", "", "from 1 to 2", Otherwise { meaning: "the coverslip's", example: "1.5255" }, "Index of the coverslip that the objective is corrected for.").only(ModelKind::Physical),
        key("coverslip_thickness", "number", "um", "at least 0", Value("170.0"), "Thickness of the coverslip.").only(ModelKind::Physical),
        key("coverslip_thickness_design", "number", "um", "at least 0", Otherwise { meaning: "the coverslip's", example: "170.0" }, "Thickness of the coverslip that the objective is corrected for.").only(ModelKind::Physical),
        key("working_distance", "number", "um", "above 0", Value("150.0"), "Working distance of the objective.").only(ModelKind::Physical),
        key("depth", "number", "um", "at least 0", Value("0.0"), "Depth of the first slice below the coverslip, in the gel.").only(ModelKind::Physical),
        key("depth_error", "number", "", "from 0.0001 to 1", Value("0.01"), "Most that the point spread function between two computed depths may be wrong by, of its peak, where immersion and gel differ.").only(ModelKind::Physical),
        key("stage_steps", "boolean", "", "true or false", Value("false"), "Whether focal_plane_depth is how far the stage moves: the focus moves by the gel's index over the immersion's of that.").only(ModelKind::Physical),
        key("bleaching", "boolean", "", "true or false", Value("false"), "Whether each exposure bleaches dyes in the whole volume (widefield, confocal, spinning disk): images fade in their order, and channels in that of their names.").only(ModelKind::Physical),
        key("beam_fill", "number", "", "above 0", Value("1.0"), "Radius of a scanning laser's beam (to e^-2) over that of the back aperture.").only(ModelKind::Physical),
        key("pinhole_airy", "number", "", "above 0 up to 100", Otherwise { meaning: "pinhole_radius, or 1", example: "1.0" }, "Diameter of the pinhole in Airy units (1.22 wavelengths over the aperture), in place of pinhole_radius.").only(ModelKind::Physical),
        key("pinhole_spacing", "number", "um", "above 0", Value("250.0"), "Distance of the pinholes of a spinning disk, on the disk.").only(ModelKind::Physical),
        key("sheet_thickness", "number", "um", "above 0", Value("1.0"), "Full width of a light sheet at half its height, in the gel.").only(ModelKind::Physical),
        key("sheet_lobes", "list", "", "a list of three numbers each, [[z, weight, width], ...]", Otherwise { meaning: "one of sheet_thickness", example: "[[0.0, 1.0, 0.5], [3.0, 0.2, 0.5], [-3.0, 0.2, 0.5]]" }, "Lobes of a light sheet, as of a lattice: place, height and full width at half of it, in um of the gel.").only(ModelKind::Physical),
        key("pulse_rate", "number", "Hz", "above 0", Value("80000000.0"), "Pulses of a two-photon laser per second.").only(ModelKind::Physical),
        key("pulse_duration", "number", "s", "above 0", Value("0.00000000000015"), "Length of these pulses at half their height.").only(ModelKind::Physical),
        key("pulse_factor", "number", "", "above 0", Value("0.66"), "Second-order coherence of their shape: 0.66 for a Gaussian, 0.59 for sech^2.").only(ModelKind::Physical),
        key("stripes", "number", "", SHARE, Otherwise { meaning: "light is even", example: "0.1" }, "Standard deviation of stripes along the rows of images, over the light: shadows of what lies beside the tissue.").only(ModelKind::Physical),
        key("stripe_width", "number", "um", "above 0", Otherwise { meaning: "2", example: "2.0" }, "Width of a stripe in the gel.").only(ModelKind::Physical),
        key("lost_images", "list", "", "a list of whole numbers, of images from 0 on", Otherwise { meaning: "none", example: "[3]" }, "Images without light: sections that were lost. The ground truth shows them.").only(ModelKind::Physical),
    ] },
    SectionInfo { name: "optics.channels.NAME", example: None, meaning: "A channel: a laser and a filter. At least one is needed; the output has them in the order of their names.", keys: vec![
        key("laser_wavelength", "number", "nm", "from 200 to 1000", Required, "Wavelength of the laser.").only(ModelKind::Simexm),
        key("laser_wavelength", "number", "nm", "from 200 to 1400", Required, "Wavelength of the laser.").only(ModelKind::Physical),
        key("laser_power", "number", "W", "above 0", Required, "Power of the laser.").only(ModelKind::Simexm),
        key("laser_power", "number", "W", "above 0", Required, "Power behind the back aperture, where a focus is scanned.").only(ModelKind::Physical),
        key("laser_percentage", "number", "", SHARE, Required, "Share of the power that is used.").only(ModelKind::Simexm),
        key("laser_percentage", "number", "", SHARE, Value("1.0"), "Share of the power that is used.").only(ModelKind::Physical),
        key("irradiance", "number", "W/cm^2", "above 0", Required, "Light in the sample, where a camera sees the whole field (widefield, light sheet, spinning disk).").only(ModelKind::Physical),
        key("laser_filter", "two numbers [min, max]", "nm", "min below max", Required, "Band of wavelengths that reaches the detector; it should take in the peak of the dye's emission."),
        key("filter_curve", "path", "", "", Otherwise { meaning: "all of the band", example: "\"filter.csv\"" }, "CSV file of what the filter passes: wavelength (nm), share.").only(ModelKind::Physical),
        key("dichroic_curve", "path", "", "", Otherwise { meaning: "all", example: "\"dichroic.csv\"" }, "CSV file of what the dichroic mirror passes.").only(ModelKind::Physical),
        key("efficiency_curve", "path", "", "", Otherwise { meaning: "detector_efficiency", example: "\"efficiency.csv\"" }, "CSV file of the detector's electrons per photon.").only(ModelKind::Physical),
        key("attenuation_length", "number", "um", "above 0", Otherwise { meaning: "that of [tissue]", example: "150.0" }, "Length in the gel over which the tissue leaves 1/e of the light, there and back."),
        key("haze", "number or list", "", HAZE, Otherwise { meaning: "that of [tissue]", example: "20.0" }, "Light from elsewhere in the gel on every pixel; it may change with the depth.").only(ModelKind::Physical),
    ] },
    SectionInfo { name: "detector", example: None, meaning: "The detector of the model physical.", keys: vec![
        key("camera", "word", "", words::<CameraModel>(), Otherwise { meaning: "none", example: "\"ORCA-Flash4.0 V3\"" }, "A camera or another detector whose data sheet gives the keys that are left out (docs/detectors.md).").only(ModelKind::Physical),
        key("kind", "word", "", words::<DetectorKind>(), Value("\"scmos\""), "Kind of detector, the camera's if one is named; ideal writes the electrons themselves.").only(ModelKind::Physical),
        key("bits", "whole number", "", "from 1 to 16", Value("16"), "Bits of a grey value.").only(ModelKind::Physical),
        key("gain", "number", "", "above 0", Otherwise { meaning: "2.17 of scmos, 1 of hybrid", example: "2.17" }, "Grey values per electron; behind a register per electron that leaves it.").only(ModelKind::Physical),
        key("read_noise", "number", "electrons", "at least 0", Otherwise { meaning: "1.6 of scmos, 50 of emccd, 0 of pmt", example: "1.6" }, "Standard deviation of the read noise.").only(ModelKind::Physical),
        key("offset", "number", "", "from -300000 to 300000", Otherwise { meaning: "100 of cameras, 0 of others", example: "100.0" }, "Grey value without electrons.").only(ModelKind::Physical),
        key("full_well", "number", "electrons", "at least 0", Otherwise { meaning: "30000 of scmos, 80000 of emccd", example: "30000.0" }, "Most electrons of a pixel.").only(ModelKind::Physical),
        key("em_gain", "number", "", "at least 1", Otherwise { meaning: "300 of emccd", example: "300.0" }, "Electrons that leave an EMCCD's register for one that enters.").only(ModelKind::Physical),
        key("register_full_well", "number", "electrons", "at least 0", Otherwise { meaning: "an emccd needs it", example: "800000.0" }, "Most electrons that leave the register.").only(ModelKind::Physical),
        key("excess_noise", "number", "", "at least 1", Otherwise { meaning: "1.2 of pmt", example: "1.2" }, "Excess noise factor F^2 of a photomultiplier.").only(ModelKind::Physical),
        key("dead_time", "number", "s", "at least 0", Otherwise { meaning: "a hybrid needs it", example: "0.00000001" }, "Time after which a photon counter sees the next electron.").only(ModelKind::Physical),
        key("dark_current", "number", "electrons per s", "at least 0", Otherwise { meaning: "0.06 of scmos, 0 of others", example: "0.06" }, "Electrons of a pixel without light.").only(ModelKind::Physical),
        key("background", "number", "electrons per s", "at least 0", Value("0.0"), "Electrons of a pixel by stray light.").only(ModelKind::Physical),
        key("clock_induced", "number", "electrons", "at least 0", Value("0.0"), "Electrons that the clocks add to an exposure.").only(ModelKind::Physical),
        key("gain_map", "path", "", "", Otherwise { meaning: "gain", example: "\"gain.tif\"" }, "TIFF image of the gain of each pixel, as large as the images, in place of gain.").only(ModelKind::Physical),
        key("read_noise_map", "path", "", "", Otherwise { meaning: "read_noise", example: "\"noise.tif\"" }, "TIFF image of the read noise of each pixel, in place of read_noise.").only(ModelKind::Physical),
        key("offset_map", "path", "", "", Otherwise { meaning: "offset", example: "\"offset.tif\"" }, "TIFF image of the offset of each pixel, in place of offset.").only(ModelKind::Physical),
    ] },
    SectionInfo { name: "rounds", example: Some("[rounds]\nnumber = 4\nshift = 0.5"), meaning: "Rounds of imaging: all channels are imaged in each, and from the second on lie elsewhere than in the first by what is drawn for the round.", keys: vec![
        key("number", "whole number", "", "from 1 to 64", Required, "Number of rounds. Channels are called round_1_NAME, round_2_NAME, ...; groundtruth/rounds.csv tells how to bring each round onto the first."),
        key("shift", "number or three", "", "a number of at least 0 um, or three of them [z, x, y]", Otherwise { meaning: "0", example: "[0.2, 0.5, 0.5]" }, "Standard deviation of a round's shift, in the gel, along each axis."),
        key("rotation", "number", "degrees", "from 0 to 45", Otherwise { meaning: "0", example: "0.1" }, "Standard deviation of a round's rotation around the optical axis, about the middle of the volume."),
        key("warp", "list", "", "a list of two numbers above 0 each, [[length, displacement], ...]", Otherwise { meaning: "none", example: "[[30.0, 0.3]]" }, "A smooth warp of each round: Gaussian fields, each with the length over which it is alike and the standard deviation of its displacement, in um of the gel."),
    ] },
    SectionInfo { name: "output", example: None, meaning: "Where the images go and in which form.", keys: vec![
        key("name", "word", "", "a plain folder name (not empty, not . or .., no / or \\, no invisible characters)", Required, "Name of the experiment: everything goes to the folder path/name."),
        key("path", "path", "", "", Required, "Folder of the outputs; made when it is not there."),
        key("format", "word", "", words::<OutputFormat>(), Value("\"tiff\""), format!("Format of the images: a {}.", any_of(&OutputFormat::all().iter().map(|format| format.noun).collect::<Vec<_>>()))),
        key("sim_channels", "word", "", r#""merged", "splitted", "split" or "composite""#, Value("\"splitted\""), "Channels merged by threes into RGB, one volume each, or all in one that ImageJ and napari show in the channels' colours (composite; TIFF only)."),
        key("channel_files", "word", "", r#""names" or "numbers""#, Value("\"names\""), "Whether the file of a channel is called after it, or SimExm's channel_0, channel_1, ... in the order of the names, as .ini files have it."),
        key("gt_cells", "word", "", ARRANGEMENT, Value("\"merged\""), "Ground truth of all cells in one volume, or one volume per cell."),
        key("gt_region", "word", "", REGIONS, Value("\"full\""), "Part of the labelled cells that the ground truth shows."),
        key("ids", "word", "", r#""kept" or "compact""#, Value("\"kept\""), "Numbers of the cells in the ground truth: their ids, or 1 to n in 16 bits where they fit, with a table groundtruth/ids.csv (ImageJ confuses ids above 16777216)."),
        key("bit_depth", "whole number", "", "8 or 16", Value("8"), "Bits of a grey value of the channels; with [model] kind = \"physical\" by default 16 where the detector has more than 8."),
        key("normalize", "word", "", r#""channel" or "none""#, Value("\"channel\""), "Whether a grey value is a share of the channel's brightest pixel, or photons, cut at the largest; with [model] kind = \"physical\" always none: what the detector says."),
        key("expected", "boolean", "", "true or false", Otherwise { meaning: "false", example: "true" }, "Whether the light that each pixel is expected to get is written, too, before noise and detector: expected/<channel>.tiff, in electrons (32-bit floating point).").only(ModelKind::Physical),
        key("compression", "word", "", r#""none" or "deflate""#, Otherwise { meaning: "deflate for ids, none for channels", example: "\"deflate\"" }, "Compression of TIFF volumes."),
        key("codec", "word", "", words::<ChunkCodec>(), Otherwise { meaning: "zstd for ids, blosc for channels", example: "\"zstd\"" }, "How the chunks of an OME-Zarr are packed."),
        key("shard", "whole number", "pixels", "a multiple of 64 from 64 to 65536", Otherwise { meaning: "1024", example: "1024" }, "Most rows and columns in a file of an OME-Zarr, which holds 16 slices of a channel."),
    ] },
    SectionInfo { name: "compute", example: None, meaning: "What the run is computed on. Only the seed changes what comes out.", keys: vec![
        key("seed", "whole number", "", "from 0 to 2^64 - 1, or a string of its digits", Otherwise { meaning: "drawn, printed and recorded", example: "7" }, "Seed of all random draws."),
        key("backend", "word", "", r#""auto", "gpu" or "cpu""#, Value("\"auto\""), "A hardware GPU if there is one, any adapter, or the CPU."),
        key("adapter", "word or whole number", "", "the name of a GPU or its index, from 0", Otherwise { meaning: "the best", example: "0" }, "Which GPU: a part of its name or its index in the list of `simexm-gpu devices`."),
        key("threads", "whole number", "", "from 1 to 512", Otherwise { meaning: "as many as there are cores", example: "4" }, "Number of CPU threads."),
        key("gpu_memory", "size", "bytes, or with a unit", SIZE, Otherwise { meaning: "what is free, as far as the driver tells", example: "\"2 GB\"" }, "Memory of the GPU that the run may take; it decides how deep the slabs are, not what comes out."),
        key("memory", "size", "bytes, or with a unit", SIZE, Otherwise { meaning: "three quarters of what is available", example: "\"8 GB\"" }, "Memory of the host that the run may take."),
    ] },
    SectionInfo { name: "sweep", example: Some("[sweep]\nvary = [\"expansion.factor=4,10\"]\nseeds = 2"), meaning: "The grid of runs that `simexm-gpu sweep` makes, as its flags say it, which take the place of keys. A run by itself takes no notice.", keys: vec![
        key("vary", "list", "", super::sweep::VARY, Otherwise { meaning: "--vary says it", example: "[\"expansion.factor=4,10,16\", \"labeling.global_density=0.2,0.8\"]" }, "Keys and the values that each takes; every value with every other, the last key's values as columns."),
        key("seeds", "whole number", "", "from 1 to 1000", Otherwise { meaning: "1", example: "3" }, "Runs of each setting, each with a seed of its own."),
        key("crop", "word or three whole numbers", "voxels", super::sweep::CROP, Otherwise { meaning: "at most [32, 128, 128]", example: "\"whole\"" }, "The piece of the volume, from its middle."),
        key("metrics", "list", "", super::sweep::metrics(), Otherwise { meaning: "all", example: "[\"snr\", \"separability\"]" }, "What is measured (docs/metrics.md)."),
        key("require", "list", "", super::sweep::REQUIRE, Otherwise { meaning: "nothing", example: "[\"separability>0.9\"]" }, "What is asked for: the answer names the cheapest setting that does all of it, or what stands against it."),
    ] },
    SectionInfo { name: "fluorophores.NAME", example: Some("[fluorophores.mScarlet]\nquantum_yield = 0.7\nextinction_coefficient = 100000.0\nspectra = \"mScarlet.csv\""), meaning: "A dye of your own, which layers may name.", keys: vec![
        key("quantum_yield", "number", "", "above 0 up to 1", Required, "Photons emitted per photon absorbed."),
        key("extinction_coefficient", "number", "L/(mol cm)", "above 0", Required, "Molar decadic extinction coefficient at the maximum of excitation."),
        key("lifetime", "number", "ns", "above 0", Otherwise { meaning: "4", example: "3.5" }, "Lifetime of the excited state, for the model physical."),
        key("two_photon_cross_section", "number", "GM", "above 0", Otherwise { meaning: "guessed", example: "40.0" }, "Two-photon cross-section at the laser, for the model physical."),
        key("bleach_yield", "number", "", "from 0 to 1", Otherwise { meaning: "0.000005", example: "0.000002" }, "Molecules that bleach per photon absorbed, for bleaching in the model physical."),
        key("spectra", "path", "", "", Required, "CSV file with columns of wavelength (nm), excitation and emission, or a table exported from FPbase."),
    ] },
]);

impl KeyInfo {
    /// Writes type, unit, range and default in one phrase, as comments have it.
    pub(super) fn terms(&self) -> String {
        let parts = [self.takes, self.unit, &self.range];
        let mut terms = parts
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(", ");
        match self.default {
            Required => {}
            Value(default) => terms.push_str(&format!("; default {default}")),
            Otherwise { meaning, .. } => terms.push_str(&format!("; default: {meaning}")),
        }
        terms
    }
}

/// Writes the table of all keys in Markdown, with a line break at its end.
///
/// ```
/// let table = simexm_gpu::internals::config::keys::markdown();
/// assert!(table.contains("| `pixel_size` | number | nm | at least 1 | required |"));
/// ```
pub fn markdown() -> String {
    let mut table = "| key | type | unit | range | default | meaning |\n\
                     | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for section in SECTIONS.iter() {
        let SectionInfo { name, meaning, .. } = section;
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| **`[{name}]`** | | | | | *{meaning}* |");
        for key in &section.keys {
            let default = match key.default {
                Required => "required".to_owned(),
                Value(value) => format!("`{value}`"),
                Otherwise { meaning, .. } => meaning.to_owned(),
            };
            let meaning = match key.model {
                None => key.meaning.to_string(),
                Some(model) => format!("*({model})* {}", key.meaning),
            };
            let cells = [key.takes, key.unit, &key.range, &default, &meaning];
            let _ = write!(table, "| `{}`", key.name);
            let _ = match other_spelling(key.name) {
                Some(other) => write!(table, " or `{other}` |"),
                None => write!(table, " |"),
            };
            for cell in cells {
                let _ = match cell {
                    "" => write!(table, " |"),
                    cell => write!(table, " {cell} |"),
                };
            }
            table.push('\n');
        }
    }
    table
}
