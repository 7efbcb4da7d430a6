//! Keys that take one of a few words.

use std::str::FromStr;

/// Value spelled as one of a fixed list of words.
pub trait Choice: Copy + FromStr + 'static {
    /// Every value, in the order in which messages list them.
    const ALL: &'static [Self];

    /// Every word that is read, in that order; some values have a second one.
    const WORDS: &'static [&'static str];

    /// Returns the word that is written for the value.
    fn as_str(self) -> &'static str;
}

/// Error of a word that is none of the allowed ones.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} must be {expected}")]
pub struct UnknownChoice {
    /// Word found.
    pub found: String,
    /// Allowed words, as a phrase.
    pub expected: String,
}

/// Writes words as `"a", "b" or "c"`.
pub(super) fn alternatives<S: AsRef<str>>(words: &[S]) -> String {
    let quoted: Vec<_> = words
        .iter()
        .map(|word| format!("{:?}", word.as_ref()))
        .collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// Finds the word of `candidates` that `found` most likely stands for, if any is close.
pub(super) fn nearest<'c, S: AsRef<str>>(found: &str, candidates: &'c [S]) -> Option<&'c str> {
    let found = found.to_lowercase();
    // About one slip in three letters; a longer distance means another word.
    let limit = (found.chars().count() / 3).clamp(1, 4);
    candidates
        .iter()
        .map(|candidate| candidate.as_ref())
        .map(|word| {
            (
                strsim::damerau_levenshtein(&found, &word.to_lowercase()),
                word,
            )
        })
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// Defines an enum of the words a key takes, with [`Choice`], `Display`, `FromStr` and `Serialize`.
/// The first word of a value is written; a second one, behind a bar, is read too.
macro_rules! choice {
    (
        $(#[$meta:meta])*
        pub enum $name:ident { $( $(#[$variant_meta:meta])* $variant:ident = $word:literal $(| $second:literal)?, )+ }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
        pub enum $name {
            $( $(#[$variant_meta])* #[serde(rename = $word)] $variant, )+
        }

        impl $crate::config::choice::Choice for $name {
            const ALL: &'static [Self] = &[$(Self::$variant),+];
            const WORDS: &'static [&'static str] = &[$($word $(, $second)?),+];

            fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::config::choice::Choice::as_str(*self))
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::config::choice::UnknownChoice;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word $(| $second)? => Ok(Self::$variant),)+
                    _ => Err($crate::config::choice::UnknownChoice {
                        found: text.to_owned(),
                        expected: $crate::config::choice::alternatives(
                            <Self as $crate::config::choice::Choice>::WORDS,
                        ),
                    }),
                }
            }
        }
    };
}
pub(crate) use choice;
