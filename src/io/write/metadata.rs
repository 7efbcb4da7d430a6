//! What a volume says about itself: pixel sizes, and a text for people.

use tiff::encoder::Rational;

/// Physical size and description of a volume.
#[derive(Clone, Debug, PartialEq)]
pub struct VolumeMetadata {
    /// Size of a voxel in the specimen as the microscope sees it (the expanded gel), in nm,
    /// (z, x, y); finite and above 0.
    pub voxel_nm: [f64; 3],
    /// Anything else worth knowing, for example the size before expansion; lines of text.
    pub description: String,
    /// The channels: one for a gray volume of brightness, several for a composite, up to three, red
    /// first, for an RGB volume, none for anything else.
    pub channels: Vec<ChannelInfo>,
}

/// How the line with the channels begins.
const CHANNELS: &str = "channels: ";

/// The smallest and the largest value of a channel.
pub(super) type Extremes = [f64; 2];

/// What a channel is called and shown as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelInfo {
    /// Its name.
    pub name: String,
    /// Red, green and blue of its brightest pixels, as a viewer shows them.
    pub colour: [u8; 3],
}

impl VolumeMetadata {
    /// The description, and a line with the names and colours of the channels where there are any.
    fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.description.lines().map(str::to_owned).collect();
        if !self.channels.is_empty() {
            let channels = self.channels.iter().map(|ChannelInfo { name, colour }| {
                let [red, green, blue] = colour;
                format!("{name} (#{red:02x}{green:02x}{blue:02x})")
            });
            let channels: Vec<_> = channels.collect();
            lines.push(format!("{CHANNELS}{}", channels.join(", ")));
        }
        lines
    }

    /// All that is known, as a text for people.
    pub(super) fn text(&self) -> String {
        let mut lines = self.lines();
        let [z, x, y] = self.voxel_nm;
        lines.push(format!("voxel in the gel (z, x, y): {z} x {x} x {y} nm"));
        lines.join("\n")
    }

    /// An ImageJ description (the format is defined by ImageJ's own reader and writer, and read by
    /// tifffile and Bio-Formats) of a volume with so many planes in a slice, and with the range of
    /// values that it is to be shown in where it is known.
    pub(super) fn imagej_description(
        &self,
        slices: usize,
        planes: usize,
        shown: Option<Extremes>,
    ) -> String {
        let images = slices * planes;
        let mut text = format!("ImageJ=1.54\nimages={images}\n");
        if planes > 1 {
            // ImageJ lays no more channels over one another.
            let mode = if planes <= 7 { "composite" } else { "color" };
            text += &format!("channels={planes}\nslices={slices}\nhyperstack=true\nmode={mode}\n");
        } else {
            text += &format!("slices={slices}\n");
        }
        let spacing_um = self.voxel_nm[0] / 1000.0;
        text += &format!("unit=um\nspacing={spacing_um}\nloop=false\n");
        if let Some([least, most]) = shown {
            text += &format!("min={least:?}\nmax={most:?}\n");
        }
        for line in self.lines() {
            // "key=value" lines mean something to ImageJ, and so does a word before a colon: here
            // are no numbers of channels.
            if planes > 1 && line.starts_with(CHANNELS) {
                text += "all ";
            }
            text += &to_ascii(&line.replace('=', ":"));
            text.push('\n');
        }
        text
    }

    /// Pixels per µm along a row of the image (y) and along a column (x): TIFF's XResolution and
    /// YResolution.
    pub(super) fn resolution(&self) -> [Rational; 2] {
        [
            pixels_per_um(self.voxel_nm[2]),
            pixels_per_um(self.voxel_nm[1]),
        ]
    }
}

/// A line for formats whose text is ASCII.
pub(super) fn to_ascii(line: &str) -> String {
    let plain = line.chars().map(|c| match c {
        'µ' | 'μ' => 'u',
        c if c.is_ascii() && !c.is_ascii_control() => c,
        _ => '?',
    });
    plain.collect()
}

/// 1000 / `nm` as a fraction of 32-bit numbers, exact for sizes of up to five decimals.
fn pixels_per_um(nm: f64) -> Rational {
    let scale = (f64::from(u32::MAX) / nm.max(1000.0)).clamp(1e-3, 1e5);
    // Powers of ten keep decimal sizes exact.
    let scale = 10f64.powi(scale.log10().floor() as i32);
    let (n, d) = ((1000.0 * scale).round() as u32, (nm * scale).round() as u32);
    let divisor = gcd(n.max(1), d.max(1));
    Rational {
        n: n.max(1) / divisor,
        d: d.max(1) / divisor,
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}
