//! `[rounds]`: cycles of imaging, each of which finds the gel a little elsewhere.

use serde::Serialize;

use super::Config;
use super::kind::{ValueKind, at_least, between, number, number_or_zxy, whole};
use super::section::Section;
use super::tree::Value;

/// Rounds of imaging: all channels are imaged in each of them. The first round is where everything
/// is; the others lie elsewhere by what is drawn for each.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rounds {
    /// Number of rounds, 1 to 64.
    #[serde(serialize_with = "super::serialize::number")]
    pub number: usize,
    /// Standard deviation of a round's shift along (z, x, y), at least 0 in um of the gel.
    #[serde(rename = "shift", skip_serializing_if = "is_zero")]
    pub shift_um: [f64; 3],
    /// Standard deviation of its rotation around the optical axis, in degrees, 0 to 45.
    #[serde(rename = "rotation", skip_serializing_if = "is_zero")]
    pub rotation_degrees: f64,
    /// A smooth warp, as the sum of Gaussian fields: for each the length over which it is alike and
    /// the standard deviation of a component, both above 0 in um of the gel.
    #[serde(rename = "warp", skip_serializing_if = "Vec::is_empty")]
    pub warp_um: Vec<[f64; 2]>,
}

fn is_zero<T: PartialEq + Default>(value: &T) -> bool {
    *value == T::default()
}

/// What an image of a run is called, and what it shows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ImagedChannel<'c> {
    /// Name in the output.
    pub name: String,
    /// Name of the channel in the configuration.
    pub channel: &'c str,
    /// Number of the round, from 0.
    pub round: usize,
}

impl Config {
    /// The channels that a run images, in the order of the output: those of a round in the order of
    /// their names, round by round.
    pub(crate) fn imaged_channels(&self) -> Vec<ImagedChannel<'_>> {
        let rounds = self.rounds.as_ref().map_or(1, |rounds| rounds.number);
        let digits = rounds.to_string().len();
        let named = |round: usize| {
            self.optics
                .channels
                .keys()
                .map(move |channel| ImagedChannel {
                    name: match &self.rounds {
                        None => channel.clone(),
                        Some(_) => format!("round_{:0digits$}_{channel}", round + 1),
                    },
                    channel,
                    round,
                })
        };
        (0..rounds).flat_map(named).collect()
    }
}

/// Takes a list of pairs of numbers above 0.
pub(super) fn scales() -> ValueKind<'static, Vec<[f64; 2]>> {
    let expected = "a list of two numbers above 0 each, [[length, displacement], ...]";
    ValueKind::new(expected, |value| {
        value.as_list()?.iter().map(scale).collect()
    })
}

/// Reads the length and the standard deviation of a Gaussian field.
pub(super) fn scale(value: &Value) -> Option<[f64; 2]> {
    let above_0 = |value: &Value| value.as_number().filter(|number| *number > 0.0);
    match value.as_list()?.as_ref() {
        [xi, s] => Some([above_0(xi)?, above_0(s)?]),
        _ => None,
    }
}

pub(super) fn read(section: &mut Section<'_>) -> Option<Rounds> {
    let number_of_rounds = section.required("number", whole(1, 64));
    let shift = section.optional("shift", number_or_zxy(at_least(0.0).unit("um")));
    let rotation = section.optional("rotation", number(between(0.0, 45.0).unit("degrees")));
    let warp = section.optional("warp", scales());
    Some(Rounds {
        number: number_of_rounds?,
        shift_um: shift.unwrap_or([0.0; 3]),
        rotation_degrees: rotation.unwrap_or(0.0),
        warp_um: warp.unwrap_or_default(),
    })
}
