//! Grey values or ids in the type in which a file stores them.

/// Type of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SampleKind {
    /// 8 bits, unsigned.
    U8,
    /// 16 bits, unsigned.
    U16,
    /// 32 bits, unsigned.
    U32,
    /// 64 bits, unsigned.
    U64,
    /// 32 bits, floating point.
    F32,
}

impl SampleKind {
    /// Returns the narrowest unsigned type of at least `bits`.
    #[must_use]
    pub fn of_bits(bits: u8) -> Self {
        match bits {
            0..=8 => Self::U8,
            9..=16 => Self::U16,
            17..=32 => Self::U32,
            _ => Self::U64,
        }
    }

    /// Returns the bytes of one sample.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::U16 => 2,
            Self::U32 | Self::F32 => 4,
            Self::U64 => 8,
        }
    }

    /// Makes samples that are all 0.
    #[must_use]
    pub fn zeros(self, len: usize) -> Samples {
        match self {
            Self::U8 => Samples::U8(vec![0; len]),
            Self::U16 => Samples::U16(vec![0; len]),
            Self::U32 => Samples::U32(vec![0; len]),
            Self::U64 => Samples::U64(vec![0; len]),
            Self::F32 => Samples::F32(vec![0.0; len]),
        }
    }

    /// Converts numbers to this type; too large ones become its largest.
    #[must_use]
    pub fn narrow(self, numbers: &[u64]) -> Samples {
        match self {
            Self::U8 => Samples::U8(numbers.iter().map(|&n| n.min(0xff) as u8).collect()),
            Self::U16 => Samples::U16(numbers.iter().map(|&n| n.min(0xffff) as u16).collect()),
            Self::U32 => {
                let most = u64::from(u32::MAX);
                Samples::U32(numbers.iter().map(|&n| n.min(most) as u32).collect())
            }
            Self::U64 => Samples::U64(numbers.to_vec()),
            Self::F32 => Samples::F32(numbers.iter().map(|&n| n as f32).collect()),
        }
    }
}

/// Samples of one type.
#[derive(Clone, Debug, PartialEq)]
pub enum Samples {
    /// 8 bits, unsigned.
    U8(Vec<u8>),
    /// 16 bits, unsigned.
    U16(Vec<u16>),
    /// 32 bits, unsigned.
    U32(Vec<u32>),
    /// 64 bits, unsigned.
    U64(Vec<u64>),
    /// 32 bits, floating point.
    F32(Vec<f32>),
}

/// Applies the same expression to the vector of any type.
macro_rules! each {
    ($samples:expr, $values:ident => $result:expr) => {
        match $samples {
            Samples::U8($values) => $result,
            Samples::U16($values) => $result,
            Samples::U32($values) => $result,
            Samples::U64($values) => $result,
            Samples::F32($values) => $result,
        }
    };
}

/// Applies the same expression to two vectors of one type, and none to others.
macro_rules! both {
    ($to:expr, $from:expr, $a:ident, $b:ident => $result:expr) => {
        match ($to, $from) {
            (Samples::U8($a), Samples::U8($b)) => $result,
            (Samples::U16($a), Samples::U16($b)) => $result,
            (Samples::U32($a), Samples::U32($b)) => $result,
            (Samples::U64($a), Samples::U64($b)) => $result,
            (Samples::F32($a), Samples::F32($b)) => $result,
            _ => {}
        }
    };
}

impl Samples {
    /// Returns the type.
    #[must_use]
    pub fn kind(&self) -> SampleKind {
        match self {
            Self::U8(_) => SampleKind::U8,
            Self::U16(_) => SampleKind::U16,
            Self::U32(_) => SampleKind::U32,
            Self::U64(_) => SampleKind::U64,
            Self::F32(_) => SampleKind::F32,
        }
    }

    /// Returns the number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        each!(self, values => values.len())
    }

    /// Returns true where there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the size in memory, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.len() * self.kind().bytes()
    }

    /// Returns a sample as a number; 0 beyond the end.
    #[must_use]
    pub fn number(&self, index: usize) -> f64 {
        #[allow(clippy::cast_lossless)]
        let number = each!(self, values => values.get(index).map(|&value| value as f64));
        number.unwrap_or(0.0)
    }

    /// Returns a sample as an id; 0 beyond the end.
    #[must_use]
    pub fn id(&self, index: usize) -> u64 {
        // The same for every type of sample, one of which is u64.
        #[allow(clippy::unnecessary_cast)]
        let id = each!(self, values => values.get(index).map(|&value| value as u64));
        id.unwrap_or(0)
    }

    /// Copies `count` samples of the same type, every `stride`th from `start` on, to `at` and
    /// behind it.
    pub fn copy(&mut self, at: usize, from: &Self, start: usize, stride: usize, count: usize) {
        both!(self, from, to, from => {
            let source = from.iter().skip(start).step_by(stride.max(1)).take(count);
            for (to, &value) in to.iter_mut().skip(at).zip(source) {
                *to = value;
            }
        });
    }

    /// Returns the ids of a picture's regions along their borders, where a pixel above, below or
    /// beside has another id, and 0 elsewhere. `columns` are those of a row.
    #[must_use]
    pub fn outlines(&self, columns: usize) -> Self {
        fn border<T: Copy + PartialEq + Default>(values: &[T], columns: usize) -> Vec<T> {
            let columns = columns.max(1);
            let differs = |at: usize, value: T| values.get(at).is_some_and(|other| *other != value);
            let kept = |(at, &value): (usize, &T)| {
                let column = at % columns;
                let edge = at
                    .checked_sub(columns)
                    .is_some_and(|above| differs(above, value))
                    || differs(at + columns, value)
                    || column > 0 && differs(at - 1, value)
                    || column + 1 < columns && differs(at + 1, value);
                if edge { value } else { T::default() }
            };
            values.iter().enumerate().map(kept).collect()
        }
        match self {
            Self::U8(values) => Self::U8(border(values, columns)),
            Self::U16(values) => Self::U16(border(values, columns)),
            Self::U32(values) => Self::U32(border(values, columns)),
            Self::U64(values) => Self::U64(border(values, columns)),
            Self::F32(values) => Self::F32(border(values, columns)),
        }
    }

    /// Raises samples to those of others of the same type, where these are larger.
    pub fn raise(&mut self, others: &Self) {
        both!(self, others, to, from => {
            for (to, &value) in to.iter_mut().zip(from) {
                *to = if value > *to { value } else { *to };
            }
        });
    }
}
