//! Types and ranges of values: how a value is read, and the words for what would be right.

use std::path::PathBuf;

use super::quantity;
use super::tree::Value;
use crate::base::choice::{Choice, alternatives, parse, words};

/// Function that reads a value; `None` when it is not of the kind.
type Parse<'k, T> = Box<dyn Fn(&Value) -> Option<T> + 'k>;

/// Type and range of a key's value.
pub(super) struct ValueKind<'k, T> {
    /// Phrase that completes "must be ...".
    pub expected: String,
    /// Words that it takes, if it takes words: the nearest is suggested for another.
    pub candidates: Vec<String>,
    /// Units that it takes, if its key has one.
    pub units: Vec<&'static str>,
    /// Reads a value; `None` when it is not of the kind.
    pub parse: Parse<'k, T>,
}

impl<'k, T> ValueKind<'k, T> {
    pub fn new(expected: impl Into<String>, parse: impl Fn(&Value) -> Option<T> + 'k) -> Self {
        Self {
            expected: expected.into(),
            candidates: Vec::new(),
            units: Vec::new(),
            parse: Box::new(parse),
        }
    }

    /// Takes numbers with a unit too.
    fn with_units(mut self, unit: &'static str) -> Self {
        if !unit.is_empty() {
            self.units = quantity::units(unit);
        }
        self
    }

    /// Returns true where a name, which is no value of the file, is of the kind.
    pub fn accepts(&self, name: &str) -> bool {
        (self.parse)(&Value::String(name.to_owned())).is_some()
    }
}

/// Range of numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    min: f64,
    /// True where `min` itself is outside.
    above: bool,
    max: f64,
    unit: &'static str,
}

/// Takes numbers from `min` on.
pub(super) fn at_least(min: f64) -> Bounds {
    Bounds {
        min,
        above: false,
        max: f64::INFINITY,
        unit: "",
    }
}

/// Takes numbers beyond `min`.
pub(super) fn above(min: f64) -> Bounds {
    Bounds {
        above: true,
        ..at_least(min)
    }
}

/// Takes numbers from `min` to `max`, both included.
pub(super) fn between(min: f64, max: f64) -> Bounds {
    Bounds {
        max,
        ..at_least(min)
    }
}

impl Bounds {
    /// Adds an upper bound, which is included.
    pub fn at_most(self, max: f64) -> Self {
        Self { max, ..self }
    }

    /// Names the unit in messages.
    pub fn unit(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }

    /// Reads a number in the range, perhaps with a unit.
    fn parse(&self, value: &Value) -> Option<f64> {
        in_unit(value, self.unit).filter(|&number| self.contains(number))
    }

    fn contains(&self, number: f64) -> bool {
        let below = if self.above {
            number <= self.min
        } else {
            number < self.min
        };
        !below && number <= self.max
    }

    /// Writes the range; `least` leads a lower bound without an upper one.
    fn phrase(&self, least: &str) -> String {
        let Self {
            min,
            above,
            max,
            unit,
        } = self;
        let range = match (above, max.is_finite()) {
            (true, false) => format!("above {min}"),
            (true, true) => format!("above {min} up to {max}"),
            (false, true) => format!("from {min} to {max}"),
            (false, false) => format!("{least} {min}"),
        };
        if unit.is_empty() {
            range
        } else {
            format!("{range} {unit}")
        }
    }
}

/// A number, or text of a number with a unit, in this unit; without one, numbers alone.
fn in_unit(value: &Value, unit: &'static str) -> Option<f64> {
    let with_unit = || quantity::parse(value.as_text()?, unit).filter(|_| !unit.is_empty());
    value.as_number().or_else(with_unit)
}

/// Takes a finite number in a range, with a unit of the kind of the range's or without.
pub(super) fn number(bounds: Bounds) -> ValueKind<'static, f64> {
    ValueKind::new(
        format!("a number {}", bounds.phrase("of at least")),
        move |value| bounds.parse(value),
    )
    .with_units(bounds.unit)
}

/// Takes a share, from 0 to 1, or so many per cent of the whole, "25 %".
pub(super) fn share() -> ValueKind<'static, f64> {
    let plain = number(between(0.0, 1.0));
    let per_cent = |value: &Value| {
        let number = value.as_text()?.trim().strip_suffix('%')?;
        let number: f64 = number.trim().parse().ok()?;
        (0.0..=100.0).contains(&number).then_some(number / 100.0)
    };
    ValueKind {
        expected: plain.expected.clone(),
        candidates: Vec::new(),
        units: vec!["%"],
        parse: Box::new(move |value| (plain.parse)(value).or_else(|| per_cent(value))),
    }
}

/// Takes three finite numbers in a range, for the axes (z, x, y).
pub(super) fn numbers_zxy(bounds: Bounds) -> ValueKind<'static, [f64; 3]> {
    let expected = format!(
        "three numbers [z, x, y], each {}",
        bounds.phrase("at least")
    );
    ValueKind::new(expected, move |value| {
        list(value, |item| bounds.parse(item))
    })
    .with_units(bounds.unit)
}

/// Takes a finite number in a range for all axes, or three of them for (z, x, y).
pub(super) fn number_or_zxy(bounds: Bounds) -> ValueKind<'static, [f64; 3]> {
    let expected = format!(
        "a number {}, or three of them [z, x, y]",
        bounds.phrase("of at least")
    );
    ValueKind::new(expected, move |value| match bounds.parse(value) {
        Some(number) => Some([number; 3]),
        None => list(value, |item| bounds.parse(item)),
    })
    .with_units(bounds.unit)
}

/// Takes a list of at least one finite number in a range.
pub(super) fn numbers(bounds: Bounds) -> ValueKind<'static, Vec<f64>> {
    let expected = format!("a list of numbers, each {}", bounds.phrase("at least"));
    ValueKind::new(expected, move |value| {
        let items = value.as_list().filter(|items| !items.is_empty())?;
        items.iter().map(|item| bounds.parse(item)).collect()
    })
    .with_units(bounds.unit)
}

/// Takes a band `[min, max]` of wavelengths in nm.
pub(super) fn band_nm() -> ValueKind<'static, [f64; 2]> {
    ValueKind::new("two wavelengths [min, max] in nm, min below max", |value| {
        list(value, |item| in_unit(item, "nm")).filter(|[min, max]| min < max)
    })
    .with_units("nm")
}

/// Takes a list of three numbers each.
pub(super) fn list_of_triples() -> ValueKind<'static, Vec<[f64; 3]>> {
    ValueKind::new(
        "a list of three numbers each, [[z, weight, width], ...]",
        |value| {
            let items = value.as_list()?;
            items
                .iter()
                .map(|item| list(item, Value::as_number))
                .collect()
        },
    )
}

/// Largest number of voxels along an axis: positions are 32 bit.
const MAX_VOXELS: i128 = u32::MAX as i128;

/// Takes three whole numbers of voxels from `min` on, for the axes (z, x, y).
pub(super) fn voxels_zxy(min: i128) -> ValueKind<'static, [usize; 3]> {
    let expected = format!("three whole numbers [z, x, y], each from {min} to {MAX_VOXELS}");
    ValueKind::new(expected, move |value| {
        list(value, |item| {
            let voxels = item
                .as_whole()
                .filter(|voxels| (min..=MAX_VOXELS).contains(voxels))?;
            usize::try_from(voxels).ok()
        })
    })
}

/// Takes a whole number from `min` to `max`.
pub(super) fn whole<T: TryFrom<i128>>(min: i128, max: i128) -> ValueKind<'static, T> {
    ValueKind::new(
        format!("a whole number from {min} to {max}"),
        move |value| {
            let number = value
                .as_whole()
                .filter(|number| (min..=max).contains(number))?;
            T::try_from(number).ok()
        },
    )
}

/// Takes `true` or `false`.
pub(super) fn boolean() -> ValueKind<'static, bool> {
    ValueKind::new("true or false", Value::as_boolean)
}

/// Takes one of a few words.
pub(super) fn choice<C: Choice>() -> ValueKind<'static, C> {
    let words = words::<C>();
    ValueKind {
        expected: alternatives(&words),
        candidates: words.iter().map(ToString::to_string).collect(),
        units: Vec::new(),
        parse: Box::new(|value| parse(value.as_text()?).ok()),
    }
}

/// Takes a path, not yet resolved.
pub(super) fn path() -> ValueKind<'static, PathBuf> {
    ValueKind::new("a path", |value| {
        let text = value
            .as_text()
            .filter(|text| !text.is_empty() && !text.contains('\0'))?;
        Some(PathBuf::from(text))
    })
}

/// Reads a list of exactly `N` items.
fn list<T, const N: usize>(value: &Value, item: impl Fn(&Value) -> Option<T>) -> Option<[T; N]> {
    let items = value.as_list()?;
    if items.len() != N {
        return None;
    }
    items
        .iter()
        .map(item)
        .collect::<Option<Vec<_>>>()?
        .try_into()
        .ok()
}
