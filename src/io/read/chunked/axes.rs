//! Which axes of an array are z, x and y, and what is taken of the others.

use super::super::Facts;
use super::super::options::ReadOptions;

/// The axes of an array, and the one volume of it that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Axes {
    /// Size along each axis of the array.
    sizes: Vec<usize>,
    /// The axes that are z, x and y; none where a single slice has no z.
    zxy: [Option<usize>; 3],
    /// Positions along the axes; of z, x and y 0.
    at: Vec<usize>,
    /// How many channels and times there are; 0 where there is no such axis.
    several: [usize; 2],
}

impl Axes {
    /// Takes the axes by their names: z, y and x (our rows are the y of others), c or channel, t or
    /// time; or by their order where none has a name. Of channels and times the user's is taken.
    ///
    /// # Errors
    /// What is wrong, a clause, where more axes are long than there may be, or the user's choice is
    /// not there.
    pub fn choose(
        names: &[String],
        sizes: &[usize],
        options: &ReadOptions,
    ) -> Result<Self, String> {
        let names: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
        let is = |wanted: &str| names.iter().position(|name| name == wanted);
        let zxy = match (is("z"), is("y"), is("x")) {
            (z, Some(y), Some(x)) if names.len() == sizes.len() => [z, Some(y), Some(x)],
            _ => by_order(sizes)?,
        };
        let (mut at, mut several) = (vec![0; sizes.len()], [0; 2]);
        for (axis, &size) in sizes.iter().enumerate() {
            if zxy.contains(&Some(axis)) {
                continue;
            }
            let name = names.get(axis).map_or("", String::as_str);
            let (key, what, chosen) = match name {
                "t" | "time" => ("time", "time points", options.time),
                "c" | "channel" | "" => ("channel", "channels", options.channel),
                other if size == 1 => {
                    let _ = other;
                    continue;
                }
                other => {
                    return Err(format!(
                        "has an axis {other:?} of {size} beside z, y and x; a volume has three, \
                         channels (c) and times (t) apart"
                    ));
                }
            };
            several[usize::from(key == "time")] = size;
            at[axis] = match chosen {
                None if size == 1 => 0,
                None => {
                    return Err(format!(
                        "holds {size} {what}; {key} = 0 to {} chooses one",
                        size.saturating_sub(1)
                    ));
                }
                Some(number) if number < size => number,
                Some(number) => {
                    return Err(format!(
                        "holds {size} {what}, but {key} = {number} was given"
                    ));
                }
            };
        }
        Ok(Self {
            sizes: sizes.to_owned(),
            zxy,
            at,
            several,
        })
    }

    /// What is told of an array with voxels of this size along each axis.
    pub fn facts(&self, voxel_nm: &[Option<f64>]) -> Facts {
        let [channels, times] = self.several;
        Facts {
            voxel_nm: self.pick(voxel_nm, None),
            channels,
            times,
            ..Facts::default()
        }
    }

    /// What an array has along z, x and y, of numbers for each of its axes; `none` where it has no
    /// such axis.
    pub fn pick<T: Copy>(&self, of_axes: &[T], none: T) -> [T; 3] {
        self.zxy.map(|axis| {
            axis.and_then(|axis| of_axes.get(axis).copied())
                .unwrap_or(none)
        })
    }

    /// Size in voxels, (z, x, y).
    pub fn shape(&self) -> [usize; 3] {
        self.pick(&self.sizes, 1)
    }

    /// The number of a chunk along each axis of the array, of its place along (z, x, y), where
    /// chunks have these sizes.
    pub fn chunk(&self, place: [usize; 3], chunks: &[usize]) -> Vec<usize> {
        let mut numbers: Vec<usize> = std::iter::zip(&self.at, chunks)
            .map(|(&at, &chunk)| at / chunk.max(1))
            .collect();
        for (axis, number) in self.zxy.into_iter().zip(place) {
            if let Some(axis) = axis {
                numbers[axis] = number;
            }
        }
        numbers
    }

    /// The first sample in such a chunk, of which samples along each axis are so far apart.
    pub fn first(&self, chunks: &[usize], strides: &[usize]) -> usize {
        let axes = self.at.iter().zip(chunks).zip(strides);
        axes.map(|((&at, &chunk), &stride)| at % chunk.max(1) * stride)
            .sum()
    }
}

/// The last three axes of those that are longer than 1; rows and columns may be of any length.
fn by_order(sizes: &[usize]) -> Result<[Option<usize>; 3], String> {
    let long = |axes: std::ops::Range<usize>| -> Vec<usize> {
        axes.filter(|&axis| sizes[axis] != 1).collect()
    };
    let count = sizes.len();
    match count {
        0 | 1 => return Err("has fewer than two axes".to_owned()),
        2 => return Ok([None, Some(0), Some(1)]),
        3 => return Ok([Some(0), Some(1), Some(2)]),
        _ => {}
    }
    let before = long(0..count - 2);
    match (&before[..], &long(0..count)[..]) {
        ([], _) => Ok([Some(count - 3), Some(count - 2), Some(count - 1)]),
        (&[z], _) => Ok([Some(z), Some(count - 2), Some(count - 1)]),
        (_, &[z, x, y]) => Ok([Some(z), Some(x), Some(y)]),
        // Channels or times before the volume, whose numbers the user may give.
        _ if count == 4 => Ok([Some(1), Some(2), Some(3)]),
        _ => Err(format!(
            "has {count} axes without names ({sizes:?}); a volume has 3, (z, y, x), beside axes of length 1"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(names: &str, sizes: &[usize], options: &ReadOptions) -> Result<Axes, String> {
        let names: Vec<String> = names.chars().map(String::from).collect();
        Axes::choose(&names, sizes, options)
    }

    #[test]
    fn axes_are_known_by_name_or_order() {
        let plain = ReadOptions::default();
        let shape = |names: &str, sizes: &[usize]| choose(names, sizes, &plain).map(|a| a.shape());
        assert_eq!(shape("", &[4, 5, 6]), Ok([4, 5, 6]));
        assert_eq!(shape("", &[5, 6]), Ok([1, 5, 6]));
        assert_eq!(shape("xyz", &[4, 5, 6]), Ok([6, 5, 4]));
        assert_eq!(shape("tczyx", &[1, 1, 4, 5, 6]), Ok([4, 5, 6]));
        assert_eq!(shape("", &[1, 1, 4, 5, 6]), Ok([4, 5, 6]));
        assert_eq!(shape("", &[4, 5, 6, 1]), Ok([4, 5, 6]));
        assert_eq!(shape("", &[1, 4, 5, 6, 1]), Ok([4, 5, 6]));
        assert_eq!(shape("", &[1, 1, 5, 1]), Ok([1, 5, 1]));
        assert!(shape("", &[6]).is_err());
        let error = shape("czyx", &[3, 4, 5, 6]).unwrap_err();
        assert!(error.contains("channel = 0 to 2"), "{error}");
        let error = shape("tzyx", &[3, 4, 5, 6]).unwrap_err();
        assert!(error.contains("time = 0 to 2"), "{error}");
        let second = ReadOptions {
            channel: Some(1),
            ..plain
        };
        let axes = choose("czyx", &[3, 4, 5, 6], &second).unwrap();
        assert_eq!(axes.chunk([7, 8, 9], &[1, 2, 2, 2]), [1, 7, 8, 9]);
        assert_eq!(axes.chunk([7, 8, 9], &[3, 2, 2, 2]), [0, 7, 8, 9]);
        assert_eq!(axes.first(&[3, 2, 2, 2], &[8, 4, 2, 1]), 8);
        assert!(choose("czyx", &[1, 4, 5, 6], &second).is_err());
    }
}
