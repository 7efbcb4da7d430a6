//! Blosc against itself here, and against numcodecs in .ci/containers; hostile bytes.

use super::*;
use proptest::prelude::*;

/// Smooth numbers of so many bytes each.
fn smooth(count: usize, element: usize) -> Vec<u8> {
    let number = |i: usize| (i as u64 * 3 / 7).to_le_bytes();
    (0..count)
        .flat_map(|i| number(i).into_iter().take(element).collect::<Vec<_>>())
        .collect()
}

#[test]
fn blosc_gives_back_what_it_packed() {
    for element in [1, 2, 4, 8] {
        for count in [0, 1, 7, 8, 1000, 70_000, 300_001] {
            let data = smooth(count, element);
            let packed = blosc::encode(&data, element);
            assert_eq!(blosc::decode(&packed, data.len()).unwrap(), data);
            if count > 1000 {
                assert!(
                    packed.len() < data.len() / 3,
                    "{} of {}",
                    packed.len(),
                    data.len()
                );
                let error = blosc::decode(&packed, data.len() - 1).unwrap_err();
                assert!(error.contains("more than"), "{error}");
            }
        }
    }
    let noise: Vec<u8> = (0..9999u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    assert!(blosc::encode(&noise, 1).len() <= noise.len() + 16);
}

/// Files of numcodecs 0.16: `Blosc(cname, 5, shuffle, blocksize).encode(numpy.arange(n, dtype))`.
#[test]
fn bytes_are_unshuffled() {
    let data = smooth(20, 4);
    let mut shuffled = vec![0; 82];
    for (i, byte) in data.iter().enumerate() {
        shuffled[i % 4 * 20 + i / 4] = *byte;
    }
    shuffled[80] = 9;
    let mut back = vec![0; 82];
    blosc::unshuffle(&shuffled, &mut back, 4);
    assert_eq!(back[..80], data);
    assert_eq!(back[80..], [9, 0]);
    let mut three = vec![0; 6];
    blosc::unshuffle(&[1, 4, 2, 5, 3, 6], &mut three, 3);
    assert_eq!(three, [1, 2, 3, 4, 5, 6]);
}

#[test]
fn what_is_packed_too_well_is_refused_in_little_memory() {
    use std::io::Write;
    let zeros = vec![0; 4 << 20];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&zeros).unwrap();
    let packed = [
        (Codec::Gzip, gzip.finish().unwrap()),
        (Codec::Zstd, zstd::bulk::compress(&zeros, 1).unwrap()),
        (Codec::Blosc, blosc::encode(&zeros, 8)),
        (Codec::Lz4, {
            let mut lz4 = u32::MAX.to_le_bytes().to_vec();
            lz4.extend(lz4_flex::block::compress(&zeros));
            lz4
        }),
    ];
    for (codec, packed) in packed {
        assert!(packed.len() < 100_000);
        let error = codec.decode(&packed, 1000).unwrap_err();
        assert!(
            error.contains("more than the 1000 bytes"),
            "{codec:?}: {error}"
        );
    }
}

#[test]
fn a_wrong_checksum_is_told() {
    let mut data = b"123456789".to_vec();
    // The check value of CRC-32C (RFC 3720, B.4).
    data.extend(0xe306_9283_u32.to_le_bytes());
    assert_eq!(Codec::Crc32c.decode(&data, 9).unwrap(), b"123456789");
    data[2] ^= 1;
    assert!(Codec::Crc32c.decode(&data, 9).is_err());
}

#[test]
fn lzf_is_read() {
    // Three literals, a match of 3 + 6 bytes at distance 3, and a long one of 40 at distance 1.
    let packed = [2, b'a', b'b', b'c', 0xe0, 0, 2, 0xe0, 31, 0];
    let text = lzf(&packed, 12 + 40).unwrap();
    assert_eq!(&text[..12], b"abcabcabcabc");
    assert!(text[12..].iter().all(|&byte| byte == b'c'));
    assert!(lzf(&packed, 51).is_err());
    assert!(lzf(&packed, 53).is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_a_codec_panic(
        mut data in prop::collection::vec(any::<u8>(), 0..200),
        flags in any::<u8>(),
        element in 0u8..20,
    ) {
        let codecs = [
            Codec::Gzip, Codec::Zlib, Codec::Zstd, Codec::Bzip2, Codec::Lz4, Codec::Crc32c,
            Codec::Shuffle(usize::from(element)), Codec::Blosc,
        ];
        for codec in codecs {
            if let Ok(out) = codec.decode(&data, 4096) {
                prop_assert!(out.len() <= 4096);
            }
        }
        let _ = lzf(&data, 300);
        // A header that is nearly right.
        let mut header = vec![2, 1, flags, element, 200, 1, 0, 0, 100, 0, 0, 0, 0, 0, 0, 0];
        header.extend([36, 0, 0, 0, 40, 0, 0, 0, 44, 0, 0, 0, 36, 0, 0, 0, 36, 0, 0, 0]);
        header.append(&mut data);
        let _ = blosc::decode(&header, 4096);
    }
}
