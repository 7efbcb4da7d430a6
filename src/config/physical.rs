//! What the model `physical` asks beside the keys that both models have: `[model]`, `[detector]`
//! and its part of `[optics]` (docs/physical.md).

use std::path::PathBuf;

use serde::{Serialize, Serializer};

use super::kind::{
    ValueKind, above, at_least, between, boolean, choice, list_of_triples, number, numbers_zxy,
    whole,
};
use super::section::Section;
use super::tree::Value;
use super::{BitDepth, Channel, Config, Labeling, Layer, Normalization, Optics, Output};
use crate::base::choice::{Choice, choice};
use crate::optics::detector::{CameraModel, DetectorKeys, DetectorKind};
use crate::optics::microscope::Microscope;

choice! {
    /// How labels become grey values.
    pub enum ModelKind {
        /// As SimExm has it.
        Simexm = "simexm",
        /// In electrons: photons, optics and detector as physics has them.
        Physical = "physical",
    }
}

choice! {
    /// What lies beyond the tissue.
    pub enum Boundary {
        /// Tissue goes on as its reflection.
        Reflect = "reflect",
        /// Nothing.
        Dark = "dark",
    }
}

choice! {
    /// Where the point spread function comes from.
    pub enum PsfModel {
        /// The diffraction integral of light waves.
        Vectorial = "vectorial",
        /// That of scalar waves.
        Scalar = "scalar",
        /// A stack that was measured.
        Measured = "measured",
    }
}

/// Writes whether it is dark beyond the tissue.
fn boundary<S: Serializer>(dark: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    let word = if *dark {
        Boundary::Dark
    } else {
        Boundary::Reflect
    };
    word.serialize(serializer)
}

impl Default for ModelKind {
    /// Takes what a configuration without `[model]` means.
    fn default() -> Self {
        Self::Simexm
    }
}

impl ModelKind {
    /// Returns true for what a configuration without `[model]` means.
    pub(super) fn is_simexm(&self) -> bool {
        *self == Self::Simexm
    }
}

/// Reads `[model]`.
pub(super) fn read_model(section: &mut Section<'_>) -> Option<ModelKind> {
    Some(section.optional("kind", choice()).unwrap_or_default())
}

/// Microscope of the model `physical`, beside the keys that both models have.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PhysicalOptics {
    /// Where the point spread function comes from; default vectorial.
    pub psf: PsfModel,
    /// TIFF stack of a measured one: the image of a point, each plane focused deeper than the one
    /// before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub psf_file: Option<PathBuf>,
    /// Size (z, x, y) of its voxels in the gel, in nm.
    #[serde(rename = "psf_voxel", skip_serializing_if = "Option::is_none")]
    pub psf_voxel_nm: Option<[f64; 3]>,
    /// Its values without light; `None` takes 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub psf_background: Option<f64>,
    /// Share of a plane's light that the point spread function may leave out, default 0.02; what
    /// is left is scaled to the plane's whole light.
    pub psf_truncation: f64,
    /// Share of the light of all planes that may come from beyond the last ones, default 0.02.
    pub psf_depth_truncation: f64,
    /// Most voxels from the centre of the point spread function to its last one; `None` takes 256,
    /// or the tissue's size.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "super::serialize::number_if_any"
    )]
    pub psf_reach: Option<usize>,
    /// True where it is dark beyond the tissue; default false: there it is its reflection, along z
    /// unless light of all depths is seen.
    #[serde(rename = "boundary", serialize_with = "boundary")]
    pub dark_boundary: bool,
    /// Parts of equal light into which the band of a filter is cut, each with a point spread
    /// function of its own wavelength; default 1.
    #[serde(serialize_with = "super::serialize::number")]
    pub spectral_bins: usize,
    /// Refractive index of the immersion; `None` takes the gel's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub immersion_index: Option<f64>,
    /// Index of the immersion that the objective is corrected for; `None` takes the immersion's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub immersion_index_design: Option<f64>,
    /// Refractive index of the coverslip, default 1.5255.
    pub coverslip_index: f64,
    /// Index of the coverslip that the objective is corrected for; `None` takes the coverslip's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverslip_index_design: Option<f64>,
    /// Thickness of the coverslip in um, default 170.
    #[serde(rename = "coverslip_thickness")]
    pub coverslip_um: f64,
    /// Thickness of the coverslip that the objective is corrected for, in um; `None` takes the
    /// coverslip's.
    #[serde(
        rename = "coverslip_thickness_design",
        skip_serializing_if = "Option::is_none"
    )]
    pub coverslip_design_um: Option<f64>,
    /// Working distance of the objective in um, default 150.
    #[serde(rename = "working_distance")]
    pub working_distance_um: f64,
    /// Depth of the first slice below the coverslip, in the gel, in um; default 0.
    #[serde(rename = "depth")]
    pub depth_um: f64,
    /// Most that the point spread function between two computed depths may be wrong by, as a share
    /// of its peak, where immersion and gel differ; default 0.01.
    pub depth_error: f64,
    /// True where `focal_plane_depth` is how far the stage moves and not the focus; default false.
    pub stage_steps: bool,
    /// True where exposures bleach; default false.
    pub bleaching: bool,
    /// e^-2 radius of a scanning laser's beam over the back aperture's radius, default 1.
    pub beam_fill: f64,
    /// Diameter of the pinhole in Airy units, in place of `pinhole_radius`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pinhole_airy: Option<f64>,
    /// Distance of a spinning disk's pinholes on the disk, in um; default 250.
    #[serde(rename = "pinhole_spacing")]
    pub pinhole_spacing_um: f64,
    /// Full width of a light sheet at half its height, in the gel, in um; default 1.
    #[serde(rename = "sheet_thickness")]
    pub sheet_thickness_um: f64,
    /// Lobes of a light sheet `[z, weight, width]` in um of the gel, in place of
    /// `sheet_thickness`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sheet_lobes: Vec<[f64; 3]>,
    /// Pulses of a two-photon laser per second, default 80e6.
    #[serde(rename = "pulse_rate")]
    pub pulse_rate_hz: f64,
    /// Length of these pulses in s, default 150e-15.
    #[serde(rename = "pulse_duration")]
    pub pulse_duration_s: f64,
    /// Second-order coherence of their shape, default 0.66, that of a Gaussian.
    pub pulse_factor: f64,
    /// Standard deviation of the stripes that shadows cast along the rows of an image, over the
    /// light; `None` where it is even.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stripes: Option<f64>,
    /// Width of a stripe in the gel, in um; default 2.
    #[serde(rename = "stripe_width", skip_serializing_if = "Option::is_none")]
    pub stripe_width_um: Option<f64>,
    /// Images, counted from 0, that hold no light: sections that were lost.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost_images: Vec<usize>,
}

impl Default for PhysicalOptics {
    /// Takes what holds for every key that a configuration leaves out.
    fn default() -> Self {
        Self {
            psf: PsfModel::Vectorial,
            psf_file: None,
            psf_voxel_nm: None,
            psf_background: None,
            psf_truncation: 0.02,
            psf_depth_truncation: 0.02,
            psf_reach: None,
            dark_boundary: false,
            spectral_bins: 1,
            immersion_index: None,
            immersion_index_design: None,
            coverslip_index: 1.5255,
            coverslip_index_design: None,
            coverslip_um: 170.0,
            coverslip_design_um: None,
            working_distance_um: 150.0,
            depth_um: 0.0,
            depth_error: 0.01,
            stage_steps: false,
            bleaching: false,
            beam_fill: 1.0,
            pinhole_airy: None,
            pinhole_spacing_um: 250.0,
            sheet_thickness_um: 1.0,
            sheet_lobes: Vec::new(),
            pulse_rate_hz: 80e6,
            pulse_duration_s: 150e-15,
            pulse_factor: 0.66,
            stripes: None,
            stripe_width_um: None,
            lost_images: Vec::new(),
        }
    }
}

impl Config {
    /// Returns a run of the model `physical` that works as it is, on what [`Config::default`] works
    /// on: a confocal microscope with a water objective (60 x, 1.15), a pinhole of one Airy unit
    /// and a hybrid detector, whose lasers are as bright as the dyes bear.
    pub fn physical() -> Self {
        let plain = Self::default();
        let channels = plain.optics.channels.into_iter().map(|(name, channel)| {
            let channel = Channel {
                laser_power_w: Some(20e-6),
                laser_share: Some(1.0),
                ..channel
            };
            (name, channel)
        });
        let layers = plain.labeling.layers.into_iter().map(|(name, layer)| {
            let layer = Layer {
                protein_density_per_nm3: 1e-4,
                ..layer
            };
            (name, layer)
        });
        Self {
            model: ModelKind::Physical,
            labeling: Labeling {
                layers: layers.collect(),
                ..plain.labeling
            },
            optics: Optics {
                refractive_index: 1.333,
                exposure_time_s: 2e-6,
                detector_efficiency: 0.4,
                objective_back_aperture_m: None,
                pinhole_radius_um: None,
                baseline_noise: None,
                physical: Some(PhysicalOptics {
                    pinhole_airy: Some(1.0),
                    ..PhysicalOptics::default()
                }),
                channels: channels.collect(),
                ..plain.optics
            },
            detector: Some(Detector::new(DetectorKeys {
                dead_time: Some(2e-9),
                ..DetectorKeys::new(DetectorKind::Hybrid, 0.0)
            })),
            output: Output {
                bit_depth: BitDepth::Sixteen,
                normalize: Normalization::None,
                ..plain.output
            },
            ..plain
        }
    }
}

/// Detector of the model `physical`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Detector {
    /// Its figures.
    #[serde(flatten)]
    pub keys: DetectorKeys,
    /// TIFF image of each pixel's gain, of the size of the images; `None`: all have that of `keys`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gain_map: Option<PathBuf>,
    /// As `gain_map`, of the read noise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_noise_map: Option<PathBuf>,
    /// As `gain_map`, of the offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset_map: Option<PathBuf>,
}

impl Detector {
    /// Takes a detector whose pixels are all alike.
    pub fn new(keys: DetectorKeys) -> Self {
        Self {
            keys,
            ..Self::default()
        }
    }

    /// The maps by their keys.
    pub(crate) fn maps(&self) -> [(&'static str, Option<&PathBuf>); 3] {
        [
            ("gain_map", self.gain_map.as_ref()),
            ("read_noise_map", self.read_noise_map.as_ref()),
            ("offset_map", self.offset_map.as_ref()),
        ]
    }
}

/// Takes a list of images.
fn images() -> ValueKind<'static, Vec<usize>> {
    let expected = "a list of whole numbers, of images from 0 on";
    ValueKind::new(expected, |value| {
        let image = |value: &Value| {
            let number = value.as_number().filter(|number| number.fract() == 0.0)?;
            (0.0..1e9).contains(&number).then_some(number as usize)
        };
        value.as_list()?.iter().map(image).collect()
    })
}

/// A refractive index.
fn index() -> ValueKind<'static, f64> {
    number(between(1.0, 2.0))
}

/// Reports keys that say nothing beside each other.
pub(super) fn check_optics(
    section: &mut Section<'_>,
    physical: &PhysicalOptics,
    microscope: Microscope,
) {
    if physical.psf == PsfModel::Measured {
        for (key, given) in [
            ("psf_file", physical.psf_file.is_some()),
            ("psf_voxel", physical.psf_voxel_nm.is_some()),
        ] {
            if !given {
                let expected = format!("\"vectorial\" or \"scalar\", or come with {key}");
                section.contradiction("psf", "psf", &expected);
            }
        }
    } else {
        for key in ["psf_file", "psf_voxel", "psf_background"] {
            section.forbid(key, "unless psf is \"measured\"");
        }
    }
    if physical.stripes.is_none() {
        section.forbid("stripe_width", "without stripes");
    }
    let everywhere = match microscope {
        Microscope::Widefield | Microscope::Confocal | Microscope::SpinningDisk => true,
        Microscope::TwoPhoton | Microscope::LightSheet => false,
    };
    if physical.bleaching && !everywhere {
        let expected = format!(
            "false with the type \"{}\", which bleaches only near its focus",
            microscope.as_str()
        );
        section.contradiction("bleaching", "type", &expected);
    }
}

/// Reads the part of `[optics]` that only this model has.
pub(super) fn read_optics(section: &mut Section<'_>) -> PhysicalOptics {
    let d = PhysicalOptics::default();
    let um = |bounds: super::kind::Bounds| number(bounds.unit("um"));
    let share = || number(between(1e-6, 0.5));
    PhysicalOptics {
        psf: section.optional("psf", choice()).unwrap_or(d.psf),
        psf_file: section.optional_path("psf_file"),
        psf_voxel_nm: section.optional("psf_voxel", numbers_zxy(above(0.0).unit("nm"))),
        psf_background: section.optional("psf_background", number(at_least(0.0))),
        psf_truncation: section
            .optional("psf_truncation", share())
            .unwrap_or(d.psf_truncation),
        psf_depth_truncation: section
            .optional("psf_depth_truncation", share())
            .unwrap_or(d.psf_depth_truncation),
        psf_reach: section.optional("psf_reach", whole(1, 512)),
        dark_boundary: section.optional("boundary", choice()) == Some(Boundary::Dark),
        spectral_bins: section
            .optional("spectral_bins", whole(1, 100))
            .unwrap_or(d.spectral_bins),
        immersion_index: section.optional("immersion_index", index()),
        immersion_index_design: section.optional("immersion_index_design", index()),
        coverslip_index: section
            .optional("coverslip_index", index())
            .unwrap_or(d.coverslip_index),
        coverslip_index_design: section.optional("coverslip_index_design", index()),
        coverslip_um: section
            .optional("coverslip_thickness", um(at_least(0.0)))
            .unwrap_or(d.coverslip_um),
        coverslip_design_um: section.optional("coverslip_thickness_design", um(at_least(0.0))),
        working_distance_um: section
            .optional("working_distance", um(above(0.0)))
            .unwrap_or(d.working_distance_um),
        depth_um: section
            .optional("depth", um(at_least(0.0)))
            .unwrap_or(d.depth_um),
        depth_error: section
            .optional("depth_error", number(between(1e-4, 1.0)))
            .unwrap_or(d.depth_error),
        stage_steps: section
            .optional("stage_steps", boolean())
            .unwrap_or(d.stage_steps),
        bleaching: section
            .optional("bleaching", boolean())
            .unwrap_or(d.bleaching),
        beam_fill: section
            .optional("beam_fill", number(above(0.0)))
            .unwrap_or(d.beam_fill),
        pinhole_airy: section.optional("pinhole_airy", number(above(0.0).at_most(100.0))),
        pinhole_spacing_um: section
            .optional("pinhole_spacing", um(above(0.0)))
            .unwrap_or(d.pinhole_spacing_um),
        sheet_thickness_um: section
            .optional("sheet_thickness", um(above(0.0)))
            .unwrap_or(d.sheet_thickness_um),
        sheet_lobes: section
            .optional("sheet_lobes", list_of_triples())
            .unwrap_or_default(),
        pulse_rate_hz: section
            .optional("pulse_rate", number(above(0.0).unit("Hz")))
            .unwrap_or(d.pulse_rate_hz),
        pulse_duration_s: section
            .optional("pulse_duration", number(above(0.0).unit("s")))
            .unwrap_or(d.pulse_duration_s),
        pulse_factor: section
            .optional("pulse_factor", number(above(0.0)))
            .unwrap_or(d.pulse_factor),
        stripes: section.optional("stripes", number(between(0.0, 1.0))),
        stripe_width_um: section.optional("stripe_width", um(above(0.0))),
        lost_images: section
            .optional("lost_images", images())
            .unwrap_or_default(),
    }
}

/// Reads `[detector]`; what it leaves out is the camera's, if it names one. What only the whole of
/// its keys decides is checked by the detector itself.
pub(super) fn read_detector(section: &mut Section<'_>) -> Option<Detector> {
    let camera: Option<CameraModel> = section.optional("camera", choice());
    let sheet = camera.map(|camera| camera.data_sheet().keys);
    let kind = section.optional("kind", choice());
    if let (Some(sheet), Some(kind)) = (&sheet, kind)
        && sheet.kind != kind
    {
        let expected = format!("\"{}\", as that camera is, or left out", sheet.kind);
        section.contradiction("kind", "camera", &expected);
    }
    let usual = || DetectorKeys::new(kind.unwrap_or(DetectorKind::Scmos), 0.0);
    let d = sheet.unwrap_or_else(usual);
    let any = |unit| number(at_least(0.0).unit(unit));
    let given = DetectorKeys {
        camera,
        kind: d.kind,
        exposure_time: d.exposure_time,
        bits: section.optional("bits", whole(1, 16)).unwrap_or(d.bits),
        gain: section.optional("gain", number(above(0.0))),
        read_noise: section.optional("read_noise", any("electrons")),
        offset: section.optional("offset", number(between(-3e5, 3e5))),
        full_well: section.optional("full_well", any("electrons")),
        em_gain: section.optional("em_gain", number(at_least(1.0))),
        register_full_well: section.optional("register_full_well", any("electrons")),
        excess_noise: section.optional("excess_noise", number(at_least(1.0))),
        dead_time: section.optional("dead_time", any("s")),
        dark_current: section.optional("dark_current", any("electrons per s")),
        background: section
            .optional("background", any("electrons per s"))
            .unwrap_or(d.background),
        clock_induced: section
            .optional("clock_induced", any("electrons"))
            .unwrap_or(d.clock_induced),
    };
    Some(Detector {
        keys: given.filled(),
        gain_map: section.optional_path("gain_map"),
        read_noise_map: section.optional_path("read_noise_map"),
        offset_map: section.optional_path("offset_map"),
    })
}
