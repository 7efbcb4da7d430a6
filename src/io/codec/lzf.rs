//! LibLZF, which h5py writes as `compression="lzf"`.

use super::{room, too_short, wrong_length};

/// Unpacks a block into `bytes` bytes.
///
/// A byte below 32 announces one more literals than it says; of others the upper three bits are the
/// length of a match less 2 (7: a byte more follows), and the lower five the upper bits of its
/// distance less 1.
///
/// # Errors
/// When the block is damaged or has another length.
pub fn decode(data: &[u8], bytes: usize) -> Result<Vec<u8>, String> {
    let mut out = room(bytes, bytes)?;
    let mut at = 0;
    let mut rest = data;
    while let Some(&control) = rest.split_off_first() {
        let control = usize::from(control);
        if control < 32 {
            let literals = rest.split_off(..=control).ok_or_else(too_short)?;
            let to = out.get_mut(at..at + literals.len());
            to.ok_or_else(|| wrong_length(at + literals.len(), bytes))?
                .copy_from_slice(literals);
            at += literals.len();
            continue;
        }
        let mut length = control >> 5;
        if length == 7 {
            length += usize::from(*rest.split_off_first().ok_or_else(too_short)?);
        }
        let low = usize::from(*rest.split_off_first().ok_or_else(too_short)?);
        let distance = ((control & 31) << 8 | low) + 1;
        let length = length + 2;
        if distance > at || at + length > bytes {
            return Err(wrong_length(at + length, bytes));
        }
        for to in at..at + length {
            out[to] = out[to - distance];
        }
        at += length;
    }
    match at == bytes {
        true => Ok(out),
        false => Err(wrong_length(at, bytes)),
    }
}
