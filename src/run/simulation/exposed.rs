//! A run on arrays whose images are exposed once more: what differs is noise alone.

use super::arrays::{Images, Simulator, Tissue};
use super::{Options, SimulationError, Watcher};
use crate::config::{Config, ModelKind};
use crate::engine::detector::PixelResponse;
use crate::engine::rng::RowDraws;
use crate::model::Model;
use ndarray::{Array3, ArrayView3};
use rayon::prelude::*;

/// Images and truth of a run, and what compares it with others.
pub(crate) struct Exposed {
    /// Images and truth.
    pub images: Images,
    /// Grey values of another exposure of each channel; none in the model `simexm`, whose noise is
    /// not of the exposure alone.
    pub second: Vec<Option<Array3<u16>>>,
    /// What the run was derived from.
    pub model: Model,
}

impl Simulator {
    /// Simulates like [`Simulator::simulate`], and exposes the images a second time.
    ///
    /// # Errors
    /// As [`simulate_arrays`](super::simulate_arrays).
    pub(crate) fn expose_twice(
        &mut self,
        config: &Config,
        tissue: &Tissue<'_>,
        options: Options,
        watcher: &mut dyn Watcher,
    ) -> Result<Exposed, SimulationError> {
        let mut config = config.clone();
        config.output.expected = config.model == ModelKind::Physical;
        let (images, model) = self.simulate_with_model(&config, tissue, options, watcher)?;
        let exposed_again = images.channels.iter().enumerate().map(|(number, channel)| {
            let expected = channel.expected.as_ref()?;
            exposed(&model, number, expected.view(), 1)
        });
        let second = exposed_again.collect();
        Ok(Exposed {
            images,
            second,
            model,
        })
    }
}

/// Exposes expected electrons (z, x, y) of a channel: `exposure` 0 is that of the run, others
/// differ from it in their draws. `None` in the model `simexm`.
pub(crate) fn exposed(
    model: &Model,
    channel: usize,
    expected: ArrayView3<'_, f32>,
    exposure: u32,
) -> Option<Array3<u16>> {
    let imaging = model.physical()?;
    let detection = imaging.detection(channel);
    let key = imaging.exposures.get(channel)?.numbered(exposure);
    let (_, rows, columns) = expected.dim();
    let plane = rows * columns;
    let pixel = |within: usize| match imaging.maps.is_empty() {
        true => detection.pixel,
        false => PixelResponse {
            gain: imaging.maps[within],
            noise: imaging.maps[plane + within],
            offset: imaging.maps[2 * plane + within] as i32,
        },
    };
    let mut grey = Array3::zeros(expected.dim());
    let values = grey.as_slice_mut()?;
    let fill = |draws: &mut RowDraws, (number, row): (usize, &mut [u16])| {
        let (z, x) = (number / rows, number % rows);
        let words = draws.of_row(key, [z as u32, x as u32, 0], columns);
        for ((y, value), drawn) in row.iter_mut().enumerate().zip(words) {
            let mean = expected[[z, x, y]];
            // Grey values have at most 16 bits.
            *value = detection.grey(&imaging.tables, pixel(x * columns + y), mean, drawn) as u16;
        }
    };
    values
        .par_chunks_mut(columns.max(1))
        .enumerate()
        .for_each_init(RowDraws::default, fill);
    Some(grey)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::progress::Silent;
    use crate::config::BackendChoice;
    use std::path::Path;

    #[test]
    fn exposures_differ_in_noise_alone() {
        let cells = Array3::from_shape_fn((6, 24, 24), |(_, x, _)| 1 + u32::from(x >= 12));
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/brainbow.toml");
        let mut config = Config::from_file(&example, &[]).expect("an example");
        config.compute.backend = BackendChoice::Cpu;
        config.labeling.global_density = 1.0;
        for layer in config.labeling.layers.values_mut() {
            layer.labeling_density = 1.0;
        }
        let mut simulator = Simulator::new(&config.compute, &mut Silent).expect("the CPU");
        let tissue = Tissue::new(cells.view());
        let run = simulator
            .expose_twice(&config, &tissue, Options::default(), &mut Silent)
            .expect("a run");
        for (number, channel) in run.images.channels.iter().enumerate() {
            let expected = channel.expected.as_ref().expect("expected electrons");
            let again = exposed(&run.model, number, expected.view(), 0).expect("physical");
            assert_eq!(again, channel.grey, "the run's own exposure");
            let second = run.second[number].as_ref().expect("physical");
            assert_ne!(second, &channel.grey);
            let mean = |grey: &Array3<u16>| grey.mapv(f64::from).mean().expect("pixels");
            let (first, second) = (mean(&channel.grey), mean(second));
            assert!(
                (first - second).abs() < 0.05 * first.max(1.0),
                "{first}, {second}"
            );
        }
    }
}
