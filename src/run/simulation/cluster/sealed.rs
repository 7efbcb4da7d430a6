//! Small files with a checksum of their own: JSON of the form `{"crc32c":"…","content":…}`.

use serde::Serialize;

const BEFORE_SUM: &[u8] = b"{\"crc32c\":\"";
const BEFORE_CONTENT: &[u8] = b"\",\"content\":";
const AFTER: &[u8] = b"}\n";

/// The text of something, with its checksum.
pub(super) fn seal(content: &impl Serialize) -> Vec<u8> {
    // Strings and numbers: everything has a form in JSON.
    let content = serde_json::to_vec(content).unwrap_or_default();
    let sum = format!("{:08x}", crc32c::crc32c(&content));
    [BEFORE_SUM, sum.as_bytes(), BEFORE_CONTENT, &content, AFTER].concat()
}

/// The content of such a text.
///
/// # Errors
/// What is wrong with it.
pub(super) fn open(text: &[u8]) -> Result<&[u8], String> {
    let rest = text.strip_prefix(BEFORE_SUM);
    let parts = rest.and_then(|rest| {
        let (sum, rest) = rest.split_at_checked(8)?;
        let content = rest.strip_prefix(BEFORE_CONTENT)?.strip_suffix(AFTER)?;
        Some((sum, content))
    });
    let (sum, content) = parts.ok_or("it has no checksum, or is cut short")?;
    match format!("{:08x}", crc32c::crc32c(content)).as_bytes() == sum {
        true => Ok(content),
        false => Err("its checksum is wrong: it has changed since it was written".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_bit_shows() {
        let text = seal(&[(7u64, vec![12u64, 3])]);
        assert_eq!(open(&text), Ok(&b"[[7,[12,3]]]"[..]));
        for bit in 0..8 * text.len() {
            let mut other = text.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&other).is_err(), "bit {bit}");
        }
        for end in 0..text.len() {
            assert!(open(&text[..end]).is_err(), "{end} bytes");
        }
    }
}
