//! Room for the ids of a slice, no wider than they are.

use std::ops::Range;

/// Defines both forms of room, and what is the same for each width.
macro_rules! widths {
    ($($width:ident $number:ident $bits:literal,)*) => {
        /// Ids of one width.
        #[derive(Clone, Debug)]
        pub enum Ids {
            $(
                #[doc = concat!("Of ", stringify!($bits), " bits.")]
                $width(Vec<$number>),
            )*
        }

        /// Borrowed room for ids.
        #[derive(Debug)]
        pub enum IdsMut<'a> {
            $(
                #[doc = concat!("For ids of ", stringify!($bits), " bits.")]
                $width(&'a mut [$number]),
            )*
        }

        impl Ids {
            /// So many zeros, in the least width that holds ids of so many bits.
            pub fn new(bits: u8, count: usize) -> Self {
                $(
                    if bits <= $bits {
                        return Self::$width(vec![0; count]);
                    }
                )*
                Self::U64(vec![0; count])
            }

            /// Room to read into.
            pub fn room(&mut self) -> IdsMut<'_> {
                match self {
                    $( Self::$width(ids) => IdsMut::$width(ids), )*
                }
            }

            /// Number of ids.
            pub fn len(&self) -> usize {
                match self {
                    $( Self::$width(ids) => ids.len(), )*
                }
            }

            /// Whether there is none.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// An id.
            pub fn get(&self, index: usize) -> u64 {
                match self {
                    $( Self::$width(ids) => ids[index].into(), )*
                }
            }
        }

        impl IdsMut<'_> {
            /// Number of ids.
            pub fn len(&self) -> usize {
                match self {
                    $( Self::$width(room) => room.len(), )*
                }
            }

            /// Whether there is room for none.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// A part of the room.
            pub fn part(&mut self, range: Range<usize>) -> IdsMut<'_> {
                match self {
                    $( Self::$width(room) => IdsMut::$width(&mut room[range]), )*
                }
            }

            /// Sets all to 0.
            pub fn clear(&mut self) {
                match self {
                    $( Self::$width(room) => room.fill(0), )*
                }
            }

            /// Takes as many ids as there is room for.
            pub fn put(&mut self, ids: &[u64]) {
                match self {
                    $(
                        Self::$width(room) => {
                            for (to, &id) in room.iter_mut().zip(ids) {
                                debug_assert!(id <= $number::MAX.into());
                                *to = id as $number;
                            }
                        }
                    )*
                }
            }
        }

        $(
            impl<'a> From<&'a mut [$number]> for IdsMut<'a> {
                fn from(room: &'a mut [$number]) -> Self {
                    Self::$width(room)
                }
            }
        )*
    };
}

widths! {
    U8 u8 8,
    U16 u16 16,
    U32 u32 32,
    U64 u64 64,
}

/// Does the same with numbers of any width.
macro_rules! of_any_width {
    ($ids:expr, $numbers:pat => $body:expr) => {
        match $ids {
            $crate::io::read::Ids::U8($numbers) => $body,
            $crate::io::read::Ids::U16($numbers) => $body,
            $crate::io::read::Ids::U32($numbers) => $body,
            $crate::io::read::Ids::U64($numbers) => $body,
        }
    };
}

pub(crate) use of_any_width;

/// Bytes that an id of so many bits takes in [`Ids`].
pub fn id_bytes(bits: u8) -> u64 {
    match bits {
        0..=8 => 1,
        9..=16 => 2,
        17..=32 => 4,
        _ => 8,
    }
}
