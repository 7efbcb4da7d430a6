//! BloscLZ, the first codec of Blosc: FastLZ's format with long distances.

use super::{damaged, too_short};

/// Distances beyond this one are written in two bytes more.
const NEAR: usize = 8191;

/// Unpacks a block; returns how many bytes came.
///
/// A byte below 32 announces one more literals than it says. Of others the upper three bits are the
/// length of a match less 2 (7: bytes follow, as long as they are 255), the lower five and the next
/// byte its distance less 1; all bits set: two bytes more follow, and it lies beyond [`NEAR`].
///
/// # Errors
/// When the block is damaged, or leaves `out`.
pub fn decode(data: &[u8], out: &mut [u8]) -> Result<usize, String> {
    let mut rest = data;
    let next = |rest: &mut &[u8]| rest.split_off_first().copied().ok_or_else(too_short);
    let mut at = 0;
    let mut control = usize::from(next(&mut rest)?) & 31;
    loop {
        if control < 32 {
            let literals = rest.split_off(..=control).ok_or_else(too_short)?;
            let to = out.get_mut(at..at + literals.len()).ok_or_else(beyond)?;
            to.copy_from_slice(literals);
            at += literals.len();
        } else {
            let mut length = (control >> 5) - 1;
            if length == 6 {
                loop {
                    let more = next(&mut rest)?;
                    length += usize::from(more);
                    if more != 255 {
                        break;
                    }
                }
            }
            let high = (control & 31) << 8;
            let low = usize::from(next(&mut rest)?);
            let mut distance = high + low + 1;
            if low == 255 && high == 31 << 8 {
                let upper = usize::from(next(&mut rest)?);
                let lower = usize::from(next(&mut rest)?);
                distance = (upper << 8) + lower + NEAR + 1;
            }
            let length = length + 3;
            if distance > at || at + length > out.len() {
                return Err(beyond());
            }
            for to in at..at + length {
                out[to] = out[to - distance];
            }
            at += length;
        }
        match rest.split_off_first() {
            Some(&next) => control = usize::from(next),
            None => return Ok(at),
        }
    }
}

fn beyond() -> String {
    damaged("a match or literals outside the block")
}
