//! The answer in words: the cheapest setting that does what is asked for, or what is in its way.

use super::{SweepCell, SweepFile, in_words};
use crate::apps::metrics::{Metric, number};
use crate::base::choice::Choice;
use crate::config::{CellPart, Config, ModelKind, Requirement, Stain};
use serde::Serialize;
use std::collections::BTreeSet;

/// Signal to noise from which on a structure stands out (the Rose criterion: A. Rose, Vision:
/// Human and Electronic, 1973).
const ROSE: f64 = 5.0;

/// Share of a structure that must be seen for its gaps not to be what is in the way.
const COVERED: f64 = 0.9;

impl Requirement {
    /// How far a value is from the bound; above 0 where it is met. What is not known meets nothing.
    fn margin(&self, value: Option<f64>) -> Option<f64> {
        let margin = value? - self.bound;
        Some(if self.above { margin } else { -margin })
    }

    fn is_met(&self, cell: &SweepCell) -> bool {
        // The seeds that do not tell might be the worst.
        cell.is_known(self.metric)
            && self
                .margin(cell.mean(self.metric))
                .is_some_and(|margin| margin > 0.0)
    }
}

/// What a sweep says to what is asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// What is asked for: all of it.
    pub requirements: Vec<Requirement>,
    /// Cells that meet all of it, by number, the cheapest first: by expansion, then the light of
    /// the lasers, then the photons that a fluorophore absorbs.
    pub met_by: Vec<usize>,
    /// The answer in words.
    pub words: String,
}

impl Answer {
    /// Looks for the cheapest cell.
    #[must_use]
    pub fn new(file: &SweepFile, requirements: &[Requirement]) -> Self {
        let meets = |cell: &SweepCell| requirements.iter().all(|wanted| wanted.is_met(cell));
        let mut met_by: Vec<usize> = (0..file.cells.len())
            .filter(|&number| meets(&file.cells[number]))
            .collect();
        met_by.sort_by(|&a, &b| cheaper(&file.cells[a], &file.cells[b]));
        let asked: Vec<String> = requirements.iter().map(ToString::to_string).collect();
        let asked = asked.join(" and ");
        let words = match met_by.first() {
            Some(&number) => {
                let cell = &file.cells[number];
                format!(
                    "{asked}: met by {} of {} settings. The cheapest (smallest expansion, then least light, then fewest photons) \
                     is {}: {}.",
                    met_by.len(),
                    file.cells.len(),
                    in_words(&file.axes, &cell.settings),
                    evidence(cell, requirements)
                )
            }
            None => format!(
                "{asked}: met by none of {} settings. {}",
                file.cells.len(),
                wall(file, requirements)
            ),
        };
        Self {
            requirements: requirements.to_vec(),
            met_by,
            words,
        }
    }
}

/// Metrics that explain the others.
pub(super) const EXPLAINING: [Metric; 6] = [
    Metric::Snr,
    Metric::Frc,
    Metric::Width,
    Metric::Point,
    Metric::Coverage,
    Metric::Dose,
];

fn cheaper(a: &SweepCell, b: &SweepCell) -> std::cmp::Ordering {
    let dose = |cell: &SweepCell| cell.mean(Metric::Dose).unwrap_or(f64::INFINITY);
    (a.expansion.total_cmp(&b.expansion))
        .then(a.light.total_cmp(&b.light))
        .then(dose(a).total_cmp(&dose(b)))
}

/// What was measured of a cell that matters.
fn evidence(cell: &SweepCell, requirements: &[Requirement]) -> String {
    let mut metrics: Vec<Metric> = requirements.iter().map(|wanted| wanted.metric).collect();
    metrics.extend(
        EXPLAINING
            .into_iter()
            .filter(|metric| !metrics.contains(metric))
            .collect::<Vec<_>>(),
    );
    let known = metrics
        .into_iter()
        .filter(|metric| cell.mean(*metric).is_some());
    let words = known.map(|metric| format!("{metric} {}", cell.value_in_words(metric)));
    let words: Vec<String> = words.collect();
    match words.is_empty() {
        true => "nothing of it could be measured".to_owned(),
        false => words.join(", "),
    }
}

/// What stands against the requirements, by the cell that comes nearest to them.
fn wall(file: &SweepFile, requirements: &[Requirement]) -> String {
    let unknown = requirements.iter().find(|wanted| {
        let mut cells = file.cells.iter();
        cells.all(|cell| cell.mean(wanted.metric).is_none())
    });
    if let Some(wanted) = unknown {
        return format!(
            "{} could be measured in none of them: docs/metrics.md says what it needs, such as cells that touch and are both \
             labelled; a larger piece (--crop, --whole) or more labels may have it.",
            wanted.metric
        );
    }
    let met = |cell: &SweepCell| {
        requirements
            .iter()
            .filter(|wanted| wanted.is_met(cell))
            .count()
    };
    let worst = |cell: &SweepCell| {
        let scale = |wanted: &Requirement| wanted.bound.abs().max(1e-12);
        let margins = requirements.iter().map(|wanted| {
            let margin = wanted.margin(cell.mean(wanted.metric));
            margin.map_or(f64::NEG_INFINITY, |margin| margin / scale(wanted))
        });
        margins.fold(f64::INFINITY, f64::min)
    };
    let nearest = file
        .cells
        .iter()
        .max_by(|a, b| met(a).cmp(&met(b)).then(worst(a).total_cmp(&worst(b))));
    let Some(cell) = nearest else {
        return String::new();
    };
    let mut unmet = requirements.iter().filter(|wanted| !wanted.is_met(cell));
    let mut of_light = None;
    if unmet.clone().all(|wanted| wanted.metric == Metric::Dose) {
        of_light = Some(
            "light itself: a fluorophore absorbs more photons than it may; less light, a shorter exposure or fewer images",
        );
    } else if unmet.all(|wanted| matches!(wanted.metric, Metric::Crosstalk | Metric::Dose)) {
        of_light = Some(
            "filters or dyes: channels show the structures of other dyes; narrower filters, or dyes whose spectra lie farther apart",
        );
    } else if cell.mean(Metric::Snr).is_some_and(|snr| snr <= 0.0) {
        of_light = Some(
            "background or saturation: the structure is not brighter than what lies around it; less background, or less light where \
             pixels are full",
        );
    }
    let noise = cell.mean(Metric::Snr).filter(|snr| *snr < ROSE);
    let gaps = cell
        .mean(Metric::Coverage)
        .filter(|coverage| *coverage < COVERED);
    let widths = [Metric::Width, Metric::Frc, Metric::Point];
    let width = widths.into_iter().find_map(|metric| cell.mean(metric));
    let why = match (noise, gaps, width) {
        _ if of_light.is_some() => of_light.unwrap_or_default().to_owned(),
        (Some(snr), _, _) => format!(
            "noise: the structure stands {} standard deviations above the background, and {ROSE} are needed to see it; more light, \
             or brighter labels",
            number(Some(snr))
        ),
        (None, Some(coverage), _) => format!(
            "label density: {} of the structure is seen to carry dye; more labels, or brighter ones",
            number(Some(coverage))
        ),
        (None, None, Some(nm)) => format!(
            "optics: what is sharp is {} nm of tissue wide, wider than what is to be told apart; more expansion, or a higher \
             numerical aperture",
            number(Some(nm))
        ),
        (None, None, None) => {
            "not known: neither noise, labels nor widths could be measured".to_owned()
        }
    };
    format!(
        "{} comes nearest: {}. The wall is {why}.",
        in_words(&file.axes, &cell.settings),
        evidence(cell, requirements)
    )
}

/// What a configuration cannot tell of a metric, whatever its images are: why, and what would.
fn untold(metric: Metric, config: &Config) -> Option<&'static str> {
    let layers = config.layers();
    let dyes: BTreeSet<&str> = layers
        .values()
        .filter(|layer| layer.extras.stain != Stain::Protein)
        .map(|layer| layer.fluorophore.as_str())
        .collect();
    match metric {
        Metric::Frc if config.model == ModelKind::Simexm => Some(
            "it compares two exposures of the same labels, which the model \"simexm\" has not; [model] kind = \"physical\" has",
        ),
        Metric::Dose if config.model == ModelKind::Simexm => {
            Some("the model \"simexm\" has no light; [model] kind = \"physical\" has")
        }
        Metric::Crosstalk if dyes.len() < 2 => {
            Some("all layers of [labeling] carry one dye; it takes two")
        }
        Metric::Width
            if config
                .labeling
                .layers
                .values()
                .all(|layer| layer.region != CellPart::Membrane) =>
        {
            Some("no layer labels membranes: [labeling.NAME] region = \"membrane\"")
        }
        _ => None,
    }
}

/// Why a requirement can be told of none of these configurations, in words.
pub(super) fn impossible(requirements: &[Requirement], configs: &[Config]) -> Option<String> {
    requirements.iter().find_map(|wanted| {
        let mut why = configs.iter().map(|config| untold(wanted.metric, config));
        let first = why.next()??;
        why.all(|why| why.is_some()).then(|| {
            format!(
                "{wanted}: no run of this sweep tells {}: {first}",
                wanted.metric
            )
        })
    })
}

/// The metrics that are measured where something is required: those asked for, those required, and
/// those that explain them.
#[must_use]
pub fn needed(asked: &[Metric], requirements: &[Requirement]) -> Vec<Metric> {
    let mut all = Metric::all();
    let required = |metric: &Metric| requirements.iter().any(|wanted| wanted.metric == *metric);
    let explains = |metric: &Metric| !requirements.is_empty() && EXPLAINING.contains(metric);
    all.retain(|metric| asked.contains(metric) || required(metric) || explains(metric));
    all
}

#[cfg(test)]
mod tests {
    use super::super::{Piece, SCHEMA, Summary, SweepRun};
    use super::*;
    use crate::config::Axis;

    /// Cells of (expansion, light, separability, signal to noise, coverage).
    fn file(cells: &[(f64, f64, f64, f64, f64)]) -> SweepFile {
        let cell =
            |&(expansion, light, separability, snr, coverage): &(f64, f64, f64, f64, f64)| {
                SweepCell {
                    settings: vec![expansion.to_string(), light.to_string()],
                    expansion,
                    light,
                    summary: [
                        (Metric::Separability, separability),
                        (Metric::Snr, snr),
                        (Metric::Coverage, coverage),
                        (Metric::Width, 300.0 / expansion),
                    ]
                    .map(|(metric, value)| (metric, Summary::of(&[value])))
                    .into(),
                    runs: Vec::new(),
                }
            };
        let axis = |key: &str| Axis {
            key: key.to_owned(),
            values: Vec::new(),
        };
        SweepFile {
            schema: SCHEMA,
            version: String::new(),
            name: String::new(),
            piece: Piece {
                offset_voxels: [0; 3],
                shape_voxels: [1; 3],
            },
            axes: vec![axis("expansion.factor"), axis("optics.exposure_time")],
            seeds: 1,
            metrics: Vec::new(),
            cells: cells.iter().map(cell).collect(),
            answer: None,
        }
    }

    fn wanted(text: &str) -> Requirement {
        text.parse().expect(text)
    }

    #[test]
    fn the_cheapest_of_those_that_do_is_named() {
        let file = file(&[
            (4.0, 1.0, 0.2, 20.0, 1.0),
            (10.0, 9.0, 0.97, 30.0, 1.0),
            (10.0, 2.0, 0.95, 12.0, 1.0),
            (20.0, 1.0, 0.99, 8.0, 1.0),
        ]);
        let answer = Answer::new(&file, &[wanted("separability>0.9")]);
        assert_eq!(answer.met_by, [2, 1, 3]);
        assert!(answer.words.contains("met by 3 of 4"), "{}", answer.words);
        assert!(
            answer
                .words
                .contains("expansion.factor = 10, optics.exposure_time = 2: separability 0.950"),
            "{}",
            answer.words
        );
        let both = [wanted("separability > 0.9"), wanted("snr>10")];
        assert_eq!(Answer::new(&file, &both).met_by, [2, 1]);
        assert_eq!(Answer::new(&file, &[wanted("width_nm<20")]).met_by, [3]);
    }

    #[test]
    fn the_wall_is_named_where_nothing_does() {
        for (cell, word) in [
            ((10.0, 1.0, 0.3, 2.0, 0.2), "noise"),
            ((10.0, 1.0, 0.3, 9.0, 0.2), "label density"),
            ((10.0, 1.0, 0.3, 9.0, 0.95), "optics"),
        ] {
            let file = file(&[(4.0, 1.0, 0.1, 50.0, 1.0), cell]);
            let answer = Answer::new(&file, &[wanted("separability>0.9")]);
            assert!(answer.met_by.is_empty());
            assert!(
                answer.words.contains(&format!("The wall is {word}")),
                "{}",
                answer.words
            );
            assert!(
                answer
                    .words
                    .contains("expansion.factor = 10, optics.exposure_time = 1 comes nearest"),
                "{}",
                answer.words
            );
        }
        for (asked, snr, word) in [
            ("dose<1", 50.0, "light itself"),
            ("crosstalk<0.1", 50.0, "filters or dyes"),
            ("separability>0.9", -0.5, "background or saturation"),
        ] {
            let mut file = file(&[(4.0, 1.0, 0.1, snr, 1.0)]);
            for metric in [Metric::Dose, Metric::Crosstalk] {
                file.cells[0].summary.insert(metric, Summary::of(&[5.0]));
            }
            let words = Answer::new(&file, &[wanted(asked)]).words;
            assert!(words.contains(&format!("The wall is {word}")), "{words}");
        }
        // A mean over fewer seeds than there are meets nothing.
        let mut some = file(&[(4.0, 1.0, 0.95, 50.0, 1.0)]);
        let run = SweepRun {
            seed: 0,
            name: String::new(),
            image_shape_pixels: [1; 3],
            pixel_in_tissue_nm: [1.0; 3],
            values: Default::default(),
            channels: Vec::new(),
            configuration: String::new(),
        };
        some.cells[0].runs = vec![run; 2];
        let answer = Answer::new(&some, &[wanted("separability>0.9")]);
        assert!(answer.met_by.is_empty());
        assert!(answer.words.contains("(1 of 2 seeds)"), "{}", answer.words);
        let answer = Answer::new(
            &file(&[(4.0, 1.0, 0.1, 50.0, 1.0)]),
            &[wanted("rand_error<0.1")],
        );
        assert!(
            answer.words.contains("could be measured in none"),
            "{}",
            answer.words
        );
    }
}
