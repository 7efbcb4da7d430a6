//! Numbers, many of which are 0 and most of which are small, in few bytes and at the speed of
//! memory.
//!
//! Every 64 numbers become a mask of those that are not 0 (8 bytes, the first number its lowest
//! bit), then these, lowest 7 bits first, with the highest bit of a byte set where more follow.

/// Numbers under one mask.
const BLOCK: usize = 64;

/// The numbers in few bytes.
pub(crate) fn pack(numbers: &[u32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(numbers.len() / 2);
    for block in numbers.chunks(BLOCK) {
        let any = block.iter().fold(0, |any, number| any | number);
        let mut mask = 0u64;
        if any != 0 {
            for (bit, &number) in block.iter().enumerate() {
                mask |= u64::from(number != 0) << bit;
            }
        }
        bytes.extend_from_slice(&mask.to_le_bytes());
        while mask != 0 {
            let mut number = block[mask.trailing_zeros() as usize];
            while number >= 0x80 {
                bytes.push(number as u8 | 0x80);
                number >>= 7;
            }
            bytes.push(number as u8);
            mask &= mask - 1;
        }
    }
    bytes.shrink_to_fit();
    bytes
}

/// The numbers of [`pack`]; none where the bytes are not those of as many numbers.
pub(crate) fn unpack(mut bytes: &[u8], numbers: &mut [u32]) -> Option<()> {
    for block in numbers.chunks_mut(BLOCK) {
        let (mask, rest) = bytes.split_first_chunk()?;
        let mut mask = u64::from_le_bytes(*mask);
        bytes = rest;
        block.fill(0);
        while mask != 0 {
            let to = block.get_mut(mask.trailing_zeros() as usize)?;
            let mut shift = 0;
            loop {
                let (&byte, rest) = bytes.split_first()?;
                bytes = rest;
                *to |= u32::from(byte & 0x7f).checked_shl(shift)?;
                shift += 7;
                if byte < 0x80 {
                    break;
                }
            }
            mask &= mask - 1;
        }
    }
    bytes.is_empty().then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_come_back(
            numbers in prop::collection::vec(
                prop_oneof![6 => Just(0), 3 => 1u32..300, 1 => any::<u32>()],
                0..400,
            ),
        ) {
            let packed = pack(&numbers);
            let mut back = vec![7; numbers.len()];
            prop_assert_eq!(unpack(&packed, &mut back), Some(()));
            prop_assert_eq!(&back, &numbers);
            prop_assert_eq!(unpack(&packed[..packed.len().saturating_sub(1)], &mut back), numbers.is_empty().then_some(()));
        }

        #[test]
        fn any_bytes_end_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpack(&bytes, &mut [0; 100]);
        }
    }

    #[test]
    fn zeros_and_small_numbers_take_few_bytes() {
        assert_eq!(pack(&[0; 640]).len(), 80);
        assert_eq!(pack(&[100; 640]).len(), 80 + 640);
        assert_eq!(pack(&[u32::MAX; 64]).len(), 8 + 5 * 64);
    }
}
