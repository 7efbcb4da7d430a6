//! What a key takes: how a value is read, and the words that say what would be right.

use std::path::PathBuf;

use super::tree::Value;
use crate::base::choice::{Choice, alternatives};

/// Reads a value; `None` when it is not of the kind.
type Parse<'k, T> = Box<dyn Fn(&Value) -> Option<T> + 'k>;

/// The type and range of a key's value.
pub(super) struct Kind<'k, T> {
    /// Completes "must be ...".
    pub expected: String,
    /// The words it takes, if it takes words: the nearest is suggested for another.
    pub candidates: Vec<String>,
    /// Reads a value.
    pub parse: Parse<'k, T>,
}

impl<'k, T> Kind<'k, T> {
    pub fn new(expected: impl Into<String>, parse: impl Fn(&Value) -> Option<T> + 'k) -> Self {
        Self {
            expected: expected.into(),
            candidates: Vec::new(),
            parse: Box::new(parse),
        }
    }

    /// Whether a name, which is no value of the file, is of the kind.
    pub fn accepts(&self, name: &str) -> bool {
        (self.parse)(&Value::String(name.to_owned())).is_some()
    }
}

/// A range of numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    min: f64,
    /// Whether `min` itself is outside.
    above: bool,
    max: f64,
    unit: &'static str,
}

/// Numbers from `min` on.
pub(super) fn at_least(min: f64) -> Bounds {
    Bounds {
        min,
        above: false,
        max: f64::INFINITY,
        unit: "",
    }
}

/// Numbers beyond `min`.
pub(super) fn above(min: f64) -> Bounds {
    Bounds {
        above: true,
        ..at_least(min)
    }
}

/// Numbers from `min` to `max`, both included.
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

    fn contains(&self, number: f64) -> bool {
        let below = if self.above {
            number <= self.min
        } else {
            number < self.min
        };
        !below && number <= self.max
    }

    /// Says the range; `least` leads a lower bound without an upper one.
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

/// A finite number in a range.
pub(super) fn number(bounds: Bounds) -> Kind<'static, f64> {
    Kind::new(
        format!("a number {}", bounds.phrase("of at least")),
        move |value| value.as_number().filter(|&number| bounds.contains(number)),
    )
}

/// Three finite numbers in a range, for the axes (z, x, y).
pub(super) fn numbers_zxy(bounds: Bounds) -> Kind<'static, [f64; 3]> {
    let expected = format!(
        "three numbers [z, x, y], each {}",
        bounds.phrase("at least")
    );
    Kind::new(expected, move |value| {
        list(value, |item| {
            item.as_number().filter(|&number| bounds.contains(number))
        })
    })
}

/// A band `[min, max]` of wavelengths in nm.
pub(super) fn band_nm() -> Kind<'static, [f64; 2]> {
    Kind::new("two wavelengths [min, max] in nm, min below max", |value| {
        list(value, Value::as_number).filter(|[min, max]| min < max)
    })
}

/// Largest number of voxels along an axis: positions are 32 bit.
const MAX_VOXELS: i128 = u32::MAX as i128;

/// Three whole numbers of voxels from `min` on, for the axes (z, x, y).
pub(super) fn voxels_zxy(min: i128) -> Kind<'static, [usize; 3]> {
    let expected = format!("three whole numbers [z, x, y], each from {min} to {MAX_VOXELS}");
    Kind::new(expected, move |value| {
        list(value, |item| {
            let voxels = item
                .as_whole()
                .filter(|voxels| (min..=MAX_VOXELS).contains(voxels))?;
            usize::try_from(voxels).ok()
        })
    })
}

/// A whole number from `min` to `max`.
pub(super) fn whole<T: TryFrom<i128>>(min: i128, max: i128) -> Kind<'static, T> {
    Kind::new(
        format!("a whole number from {min} to {max}"),
        move |value| {
            let number = value
                .as_whole()
                .filter(|number| (min..=max).contains(number))?;
            T::try_from(number).ok()
        },
    )
}

/// `true` or `false`.
pub(super) fn boolean() -> Kind<'static, bool> {
    Kind::new("true or false", Value::as_boolean)
}

/// One of a few words.
pub(super) fn choice<C: Choice>() -> Kind<'static, C> {
    let words: Vec<_> = (C::all().into_iter())
        .map(|choice| choice.as_str().to_owned())
        .collect();
    Kind {
        expected: alternatives(&words),
        candidates: words,
        parse: Box::new(|value| {
            let text = value.as_text()?;
            C::all().into_iter().find(|choice| choice.as_str() == text)
        }),
    }
}

/// A path, not yet resolved.
pub(super) fn path() -> Kind<'static, PathBuf> {
    Kind::new("a path", |value| {
        let text = value
            .as_text()
            .filter(|text| !text.is_empty() && !text.contains('\0'))?;
        Some(PathBuf::from(text))
    })
}

/// A list of exactly `N` items.
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
