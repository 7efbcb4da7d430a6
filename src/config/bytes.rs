//! Amounts of memory, as users write them.

use bytesize::ByteSize;

use super::kind::ValueKind;

/// Smallest budget in bytes: below it not even an empty run fits.
pub(super) const LEAST: u64 = 1_000_000;

/// Largest budget in bytes, far beyond any machine.
pub(super) const MOST: u64 = 1_000_000_000_000_000_000;

/// Takes a size in bytes, or with a unit: K, M, G, T (KB, MB, ...) are powers of 1000, KiB, MiB,
/// ... of 1024.
pub(super) fn size() -> ValueKind<'static, u64> {
    ValueKind::new(
        "a size from 1 MB to 1 EB, like 300000000, \"300M\", \"2 GB\" or \"1.5 GiB\"",
        |value| {
            let bytes = match value.as_text() {
                Some(text) if value.as_whole().is_none() => {
                    text.trim().parse::<ByteSize>().ok()?.as_u64()
                }
                _ => u64::try_from(value.as_whole()?).ok()?,
            };
            (LEAST..=MOST).contains(&bytes).then_some(bytes)
        },
    )
}
