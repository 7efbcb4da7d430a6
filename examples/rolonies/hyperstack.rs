//! All channels of a round in one file, as ImageJ's hyperstacks have them: the channels of a slice
//! follow one another.

use ndarray::Axis;
use simexm_gpu::simulation::Images;
use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use tiff::encoder::{TiffEncoder, colortype::Gray16};
use tiff::tags::Tag;

/// Writes the channels of `images`, 16 bit.
pub fn write(path: &Path, images: &Images) -> Result<(), Box<dyn Error>> {
    let first = images.channels.first().ok_or("no channel")?;
    let (slices, rows, columns) = first.grey.dim();
    let channels = images.channels.len();
    let names: Vec<&str> = images
        .channels
        .iter()
        .map(|channel| channel.name.as_str())
        .collect();
    let description = format!(
        "ImageJ=1.54\nimages={}\nchannels={channels}\nslices={slices}\nhyperstack=true\nmode=composite\n\
         unit=um\nspacing={}\nchannels: {}\n",
        slices * channels,
        images.voxel_nm[0] / 1000.0,
        names.join("; ")
    );
    let mut tiff = TiffEncoder::new(BufWriter::new(File::create(path)?))?;
    for slice in 0..slices {
        for (number, channel) in images.channels.iter().enumerate() {
            let mut page = tiff.new_image::<Gray16>(columns as u32, rows as u32)?;
            if slice + number == 0 {
                page.encoder()
                    .write_tag(Tag::ImageDescription, description.as_str())?;
            }
            let pixels: Vec<u16> = channel
                .grey
                .index_axis(Axis(0), slice)
                .iter()
                .copied()
                .collect();
            page.write_data(&pixels)?;
        }
    }
    Ok(())
}
