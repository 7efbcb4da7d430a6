//! The model `physical`: labels are counted, and their light, in expected electrons, spreads; one
//! Poisson number for each pixel and the detector make grey values (docs/physical.md).

mod budget;
mod instrument;
mod optics;
mod stripes;

pub use budget::{ExpectedPixel, LightBudget, expected_pixels, light_budgets};

use super::{Attenuation, Bleaching, EmissionSource, Emitter, Light, ModelError, SlicePsf};
use crate::config::{self, Config, Haze};
use crate::engine::detector::{Detection, MEAN_BITS, MOST_MEAN};
use crate::engine::psf::{Psf, PsfShape};
use crate::engine::rng::{Purpose, StreamKey, TableRef};
use crate::io::read::grey_stack;
use crate::model::{ChannelModel, advice, warnings};
use crate::optics::camera::Camera;
use crate::optics::detector::{Detector, DetectorKeys, PixelMaps};
use crate::optics::fluorophore::{Fluorophore, Photons};
use optics::{Seen, Sight};

/// Mean electrons of a labelled voxel below which a channel shows nothing.
const DARK: f64 = 1e-4;

/// Most pixels of a map.
const MOST_MAPPED: usize = 1 << 26;

/// Voxels from the centre of a point spread function to its last one, where `psf_reach` says
/// nothing: light that is spread farther is added to what falls within them.
const REACH: usize = 256;

/// From proteins to pixels.
#[derive(Clone, Debug)]
pub struct Imaging {
    /// The detector.
    pub detector: Detector,
    /// Its tables.
    pub tables: Vec<u32>,
    /// Gain, noise and offset of every pixel of an image, as the kernel takes them; none where all
    /// pixels are alike.
    pub maps: Vec<u32>,
    /// Random stream of the exposures of each channel.
    pub exposures: Vec<StreamKey>,
    /// What a haze adds to each channel's pixels.
    pub hazes: Vec<HazeWords>,
    /// What uneven light leaves of each column of pixels; none where it is even.
    pub stripes: Vec<f32>,
    /// True where it is dark before the first slice and behind the last one, and not the volume's
    /// reflection: light of a camera that sees all depths never fades.
    pub dark_along_z: bool,
    /// True where it is dark around the slices, too (`boundary = "dark"`).
    pub dark_in_slices: bool,
}

/// What a haze adds to a channel's pixels, in units of [`Detection::constant`].
#[derive(Clone, Copy, Debug, Default)]
pub struct HazeWords {
    /// In all images.
    constant: u32,
    /// Where the tables have each image's [`Detection::constant`] with its haze, if they differ.
    pub constants_at: Option<u32>,
}

impl Imaging {
    /// The whole numbers with which a channel's pixels are exposed.
    pub fn detection(&self, channel: usize) -> Detection {
        let mut detection = *self.detector.detection();
        let constant = detection
            .constant
            .saturating_add(self.hazes[channel].constant);
        detection.constant = constant.min(MOST_MEAN);
        detection
    }

    /// Adds a round of so many channels, with random streams of its own.
    pub(super) fn repeat(&mut self, channels: usize, round: u32) {
        self.hazes.extend_from_within(..channels);
        let exposures = self.exposures[..channels].iter();
        let exposures: Vec<_> = exposures.map(|key| key.numbered(round)).collect();
        self.exposures.extend(exposures);
    }

    /// Derives channels and detector; `proteins_per_voxel` is the mean of each fluorophore in a
    /// labelled voxel, and `told` collects warnings for the user.
    pub(super) fn light(
        config: &Config,
        seed: u64,
        fluorophores: &[Fluorophore],
        proteins_per_voxel: &[f64],
        (shape, camera): ([usize; 3], &Camera),
        told: &mut Vec<String>,
    ) -> Result<Light, ModelError> {
        let keys = config
            .detector
            .as_ref()
            .map_or_else(DetectorKeys::default, |own| own.keys);
        let exposure_time = config.optics.exposure_time_s;
        let detector = Detector::new(&DetectorKeys {
            exposure_time,
            ..keys
        })
        .map_err(|error| ModelError::Detector(error.to_string()))?;
        let holds = config.output.bit_depth.bits();
        if detector.bits() > holds {
            let bits = detector.bits();
            return Err(ModelError::Detector(format!(
                "bits is {bits}, but [output] bit_depth {holds}: choose bit_depth = 16"
            )));
        }
        let [images, rows, columns] = camera.image_shape(shape);
        let sight = Sight::new(config, shape, camera.planes)?;
        told.extend(sight.notes());
        let mut channels = Vec::new();
        let mut seen_of_channels = Vec::new();
        for name in config.optics.channels.keys() {
            let seen = sight.channel(name, fluorophores, told)?;
            seen_of_channels.push(seen);
        }
        let shape = seen_of_channels
            .iter()
            .flatten()
            .flat_map(|seen| seen.psfs.iter().flat_map(|psf| &psf.parts))
            .map(Psf::shape)
            .reduce(PsfShape::union)
            .unwrap_or(PsfShape::symmetric([0; 3]));
        let mut emitters: Vec<Emitter> = Vec::new();
        let names = config.optics.channels.keys();
        for (channel, (name, seen)) in names.zip(&seen_of_channels).enumerate() {
            let mut sources = Vec::new();
            for (number, seen) in seen.iter().enumerate() {
                if seen.psfs.is_empty() {
                    continue;
                }
                let known = emitters
                    .iter()
                    .position(|known| known.fluorophore == number);
                let emitter = known.unwrap_or_else(|| {
                    emitters.push(Emitter {
                        fluorophore: number,
                        round: 0,
                        table: TableRef::default(),
                        key: StreamKey::new(seed, Purpose::Emission, &[]),
                    });
                    emitters.len() - 1
                });
                sources.push(EmissionSource {
                    fluorophore: number,
                    emitter,
                    middle: seen.middle,
                    psfs: seen
                        .psfs
                        .iter()
                        .map(|seen| SlicePsf {
                            phase: seen.phase,
                            slice: seen.slice,
                            psf: Psf::sum(shape, &seen.parts),
                        })
                        .collect(),
                    bleaching: bleaching(&seen_of_channels, channel, number),
                    attenuation: Attenuation::default(),
                    lost: Vec::new(),
                });
            }
            let photons: Vec<Photons> = seen.iter().map(|seen| seen.light).collect();
            let expected =
                |number: usize| photons[number].mean_photons * proteins_per_voxel[number];
            let brightest = (0..photons.len()).map(expected).fold(0.0, f64::max);
            if sources.is_empty() {
                told.push(warnings::dark_channel(config, name, fluorophores, &photons));
            } else if brightest < DARK {
                told.push(warnings::dim_channel(name, fluorophores, &photons));
            }
            channels.push(ChannelModel {
                name: name.clone(),
                configured: name.clone(),
                round: 0,
                photons,
                sources,
            });
        }
        if !sight.excites_with_two_photons() {
            told.extend(advice::advice(config, fluorophores, &channels));
        }
        let exposure =
            |channel: &ChannelModel| StreamKey::new(seed, Purpose::Exposure, &[&channel.name]);
        let physical = config.optics.physical.as_ref();
        let dark = physical.is_some_and(|physical| physical.dark_boundary);
        let maps = match &config.detector {
            Some(own) => pixel_maps(own, &detector, [rows, columns])?,
            None => Vec::new(),
        };
        let mut tables = detector.tables();
        let first_um = physical.map_or(0.0, |physical| physical.depth_um);
        let image_um = config.voxel_in_gel_nm()[0] / 1e3 * camera.planes.step();
        let mut haze = |channel: &ChannelModel| {
            let Some(haze) = config.haze(&channel.name) else {
                return HazeWords::default();
            };
            // The cast saturates.
            let words = |depth_um: f64| {
                let electrons = haze.at(depth_um) * exposure_time;
                (electrons * f64::from(1 << MEAN_BITS)).round() as u32
            };
            if let Haze::Even(_) = haze {
                return HazeWords {
                    constant: words(first_um),
                    constants_at: None,
                };
            }
            let constants_at = tables.len() as u32;
            let constant = detector.detection().constant;
            tables.extend((0..images).map(|image| {
                let added = words(first_um + image as f64 * image_um);
                constant.saturating_add(added).min(MOST_MEAN)
            }));
            HazeWords {
                constant: 0,
                constants_at: Some(constants_at),
            }
        };
        let hazes = channels.iter().map(&mut haze).collect();
        let imaging = Self {
            hazes,
            stripes: stripes::stripes(config, seed, columns),
            maps,
            tables,
            exposures: channels.iter().map(exposure).collect(),
            dark_along_z: dark || config.optics.microscope.never_fades(),
            dark_in_slices: dark,
            detector,
        };
        Ok(Light {
            channels,
            emitters,
            psf: shape,
            imaging: super::Imaging::Physical(imaging),
        })
    }
}

/// The maps of a detector's pixels, for images of these rows and columns.
fn pixel_maps(
    own: &config::Detector,
    detector: &Detector,
    [rows, columns]: [usize; 2],
) -> Result<Vec<u32>, ModelError> {
    let mut read = [None, None, None];
    for (map, (key, path)) in read.iter_mut().zip(own.maps()) {
        let Some(path) = path else { continue };
        let problem = |problem| ModelError::Detector(format!("{key}: {problem}"));
        let image = grey_stack(path, MOST_MAPPED).map_err(problem)?;
        let (pages, found_rows, found_columns) = image.dim();
        if (pages, found_rows, found_columns) != (1, rows, columns) {
            return Err(ModelError::Detector(format!(
                "{key}: {} has {pages} x {found_rows} x {found_columns} pixels; one page of {rows} x {columns} is wanted, the \
                 size of the images",
                path.display()
            )));
        }
        *map = Some(image.into_raw_vec_and_offset().0);
    }
    if read.iter().all(Option::is_none) {
        return Ok(Vec::new());
    }
    let [gain, read_noise, offset] = &read;
    let maps = PixelMaps {
        gain: gain.as_deref(),
        read_noise: read_noise.as_deref(),
        offset: offset.as_deref(),
    };
    let words = detector.pixel_maps(rows * columns, &maps);
    words.map_err(|error| ModelError::Detector(error.to_string()))
}

/// How a dye fades in a channel: the exposures of an image come in the order of the channels.
fn bleaching(channels: &[Vec<Seen>], channel: usize, dye: usize) -> Bleaching {
    let of = |channels: &[Vec<Seen>]| channels.iter().map(|seen| seen[dye].bleaching).sum();
    Bleaching {
        image: of(channels),
        earlier: of(&channels[..channel]),
        own: channels[channel][dye].bleaching,
    }
}
