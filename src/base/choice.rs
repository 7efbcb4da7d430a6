//! Values that a configuration spells as one of a few words.

/// A value spelled as one of a fixed list of words.
pub trait Choice: Copy + 'static {
    /// Lists every value, in the order in which messages name them.
    fn all() -> Vec<Self>;

    /// The word that is written for the value.
    fn as_str(self) -> &'static str;

    /// Every word that is read for the value, first the one that is written.
    fn words(self) -> Vec<&'static str> {
        vec![self.as_str()]
    }
}

/// Every word that is read, in the order of the values.
pub(crate) fn words<C: Choice>() -> Vec<&'static str> {
    C::all().into_iter().flat_map(Choice::words).collect()
}

/// A word that is none of the allowed ones.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} must be {expected}")]
pub struct UnknownChoice {
    /// The word found.
    pub found: String,
    /// The allowed words, as a phrase.
    pub expected: String,
}

/// Writes words as `"a", "b" or "c"`.
pub(crate) fn alternatives<S: AsRef<str>>(words: &[S]) -> String {
    let quoted: Vec<_> = words
        .iter()
        .map(|word| format!("{:?}", word.as_ref()))
        .collect();
    any_of(&quoted)
}

/// Joins phrases to `a, b or c`.
pub(crate) fn any_of<S: AsRef<str>>(phrases: &[S]) -> String {
    let phrases: Vec<&str> = phrases.iter().map(AsRef::as_ref).collect();
    match phrases.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// The value of a word.
pub(crate) fn parse<C: Choice>(text: &str) -> Result<C, UnknownChoice> {
    let mut all = C::all().into_iter();
    all.find(|choice| choice.words().contains(&text))
        .ok_or_else(|| UnknownChoice {
            found: text.to_owned(),
            expected: alternatives(&words::<C>()),
        })
}

/// Writes and reads a [`Choice`] by its word: `Display`, `FromStr` and `Serialize`.
macro_rules! by_word {
    ($name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::base::choice::Choice::as_str(*self))
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::base::choice::UnknownChoice;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::base::choice::parse(text)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str($crate::base::choice::Choice::as_str(*self))
            }
        }
    };
}
pub(crate) use by_word;

/// Defines an enum of the words a key takes, with [`Choice`] and all that [`by_word`] gives. The
/// first word of a value is written; a second one, behind a bar, is read too.
macro_rules! choice {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $( $(#[$variant_meta:meta])* $variant:ident = $word:literal $(| $second:literal)?, )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $( $(#[$variant_meta])* $variant, )+
        }

        impl $crate::base::choice::Choice for $name {
            fn all() -> Vec<Self> {
                vec![$(Self::$variant),+]
            }

            fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            fn words(self) -> Vec<&'static str> {
                match self { $(Self::$variant => vec![$word $(, $second)?]),+ }
            }
        }

        $crate::base::choice::by_word!($name);
    };
}
pub(crate) use choice;
