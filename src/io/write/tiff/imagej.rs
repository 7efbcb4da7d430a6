//! ImageJ's own block of metadata (tags 50838 and 50839), which ImageJ, tifffile and napari's
//! readers understand: a table of contents, then texts in UTF-16 and tables of colours, everything
//! in the byte order of the file.

use super::super::VolumeMetadata;
use super::super::metadata::Extremes;

impl VolumeMetadata {
    /// The lengths of the parts of the block, its table of contents first, and the block.
    ///
    /// It holds `Info`, a text that says all that is known; and, where each channel has pages of
    /// its own, its name as the label of these, its colour as a table of 256 steps from black, and
    /// for several channels the range of values that each is to be shown in.
    pub(super) fn imagej_block(
        &self,
        slices: usize,
        planes: usize,
        shown: &[Extremes],
    ) -> (Vec<u32>, Vec<u8>) {
        let mut kinds: Vec<(&[u8; 4], Vec<Vec<u8>>)> = vec![(b"info", vec![utf16(&self.text())])];
        if planes == self.channels.len() {
            let names = self.channels.iter().map(|channel| utf16(&channel.name));
            let of_slice: Vec<Vec<u8>> = names.collect();
            kinds.push((b"labl", vec![of_slice; slices].concat()));
            if planes > 1 {
                let ends = shown.iter().flatten();
                kinds.push((
                    b"rang",
                    vec![ends.flat_map(|end| end.to_ne_bytes()).collect()],
                ));
            }
            let colours = self.channels.iter().map(|channel| ramp(channel.colour));
            kinds.push((b"luts", colours.collect()));
        }
        let mut contents = in_file_order(b"IJIJ").to_vec();
        for (kind, parts) in &kinds {
            contents.extend(in_file_order(kind));
            contents.extend((parts.len() as u32).to_ne_bytes());
        }
        let mut lengths = vec![contents.len() as u32];
        let mut block = contents;
        for part in kinds.into_iter().flat_map(|(_, parts)| parts) {
            lengths.push(part.len() as u32);
            block.extend(part);
        }
        (lengths, block)
    }

    /// Upper bound of the bytes of all texts in a TIFF file of so many slices.
    pub(super) fn most_tag_bytes(&self, slices: usize) -> u64 {
        let names: usize = self
            .channels
            .iter()
            .map(|channel| channel.name.len() + 32)
            .sum();
        let text = (self.description.len() + names + 256) as u64;
        // The description in ASCII and in UTF-16; for each slice labels and their lengths; for each
        // channel two tables of colours and a range.
        let labels = slices as u64 * (2 * names as u64 + 4);
        3 * text + labels + self.channels.len() as u64 * (8 * 256 + 16) + 1024
    }
}

/// Four letters as a number in the byte order of the file, which is the machine's.
fn in_file_order(letters: &[u8; 4]) -> [u8; 4] {
    u32::from_be_bytes(*letters).to_ne_bytes()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_ne_bytes).collect()
}

/// 256 values of red, then of green, then of blue, from black to the colour.
pub(super) fn ramp(colour: [u8; 3]) -> Vec<u8> {
    let of = |part: u8| (0..=255u32).map(move |step| ((step * u32::from(part) + 127) / 255) as u8);
    colour.into_iter().flat_map(of).collect()
}
