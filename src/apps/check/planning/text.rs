//! Report of a plan as text to read.

use super::{Cut, DevicePlan, DiskPlan, PlanReport};
use crate::apps::check::text::{list, table};
use crate::base::host::amount;
use crate::engine::compute::MemoryKind;
use std::fmt::{self, Display, Formatter};

impl Display for PlanReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let [z, x, y] = self.shape_voxels;
        let [slices, rows, columns] = self.image_shape_pixels;
        writeln!(f, "volume: {z} slices of {x} x {y} voxels")?;
        writeln!(f, "images: {slices} slices of {rows} x {columns} pixels")?;
        for device in &self.devices {
            device.fmt(f)?;
        }
        self.disk.fmt(f)?;
        list(f, "notes:", &self.notes)?;
        list(f, "warnings:", &self.warnings)
    }
}

impl Display for DevicePlan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let limits = self.limits;
        let device = match self.residence {
            MemoryKind::Host => String::new(),
            MemoryKind::Discrete | MemoryKind::Unified => format!(
                "{} of its memory in buffers of at most {}, and ",
                amount(limits.device_bytes),
                amount(limits.buffer_bytes)
            ),
        };
        let host = amount(limits.host_bytes);
        writeln!(
            f,
            "\n{}: {device}{host} of the host's memory may be taken",
            self.device
        )?;
        if let Some(refusal) = &self.refusal {
            writeln!(f, "  {refusal}")?;
        }
        self.cut.as_ref().map_or(Ok(()), |cut| cut.fmt(f))
    }
}

impl Display for Cut {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.tiles != [1; 2] {
            let ([x, y], [rows, columns]) = (self.tiles, self.tile_voxels);
            let [core_rows, core_columns] = self.core_voxels;
            writeln!(
                f,
                "  tiles    {x} x {y}, of up to {rows} x {columns} voxels a slice, {core_rows} x {core_columns} \
                 without what the stages look at around them"
            )?;
        }
        writeln!(
            f,
            "  slabs    {} of up to {} slices, in {} step(s)",
            self.slabs, self.slab_slices, self.steps
        )?;
        let (rings, reach) = (&self.rings_slices, &self.reach_slices);
        writeln!(
            f,
            "  rings    {} slices of labels, {} of counts, {} of spectra",
            rings.labels, rings.counts, rings.spectra
        )?;
        writeln!(
            f,
            "  halos    {} slices for membranes, {} for displaced proteins, {} for the blur",
            reach.membrane, reach.displacement, reach.blur
        )?;
        if reach.distortion + reach.rounds > 0 {
            writeln!(
                f,
                "           {} for the uneven expansion, {} for rounds of imaging",
                reach.distortion, reach.rounds
            )?;
        }
        let transform = &self.transform;
        let factors = |radices: &[usize]| {
            let radices: Vec<String> = radices.iter().map(usize::to_string).collect();
            format!("({})", radices.join(" x "))
        };
        writeln!(
            f,
            "  lines    {} points along x, {}; {} along y, 2 x {}; {} x {} block(s) a slice",
            transform.length_x,
            factors(&transform.radices_x),
            transform.length_y,
            factors(&transform.radices_y),
            self.blocks[0],
            self.blocks[1]
        )?;
        writeln!(
            f,
            "  device   {} at the peak: {} in buffers, {} on the way",
            amount(self.device_peak_bytes),
            amount(self.buffer_bytes),
            amount(self.device_peak_bytes - self.buffer_bytes)
        )?;
        let host = &self.host;
        writeln!(
            f,
            "  host     {} at the peak: {} for buffers, {} for intermediate data, {} to read, {} for images, {} to write",
            amount(self.host_peak_bytes),
            amount(host.buffers),
            amount(host.stores),
            amount(host.reading),
            amount(host.imaging),
            amount(host.writing)
        )?;
        writeln!(
            f,
            "  moved    {} to the device, {} back",
            amount(self.uploaded_bytes),
            amount(self.downloaded_bytes)
        )?;
        writeln!(f, "  buffers")?;
        let mut buffers: Vec<_> = self.buffers.iter().collect();
        buffers.sort_by_key(|buffer| std::cmp::Reverse(buffer.bytes));
        let rows: Vec<Vec<String>> = buffers
            .iter()
            .map(|buffer| vec![buffer.name.clone(), amount(buffer.bytes)])
            .collect();
        table(f, &rows, 1)?;
        for fewer in &self.fewer {
            let tiles = match fewer.tiles {
                [1, 1] => String::new(),
                [x, y] => format!("{x} x {y} tiles of "),
            };
            let plural = if fewer.slabs == 1 { "" } else { "s" };
            writeln!(
                f,
                "  for {tiles}{} slab{plural} ({} on the device): {}",
                fewer.slabs,
                amount(fewer.device_bytes),
                fewer.change
            )?;
        }
        Ok(())
    }
}

impl Display for DiskPlan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let written = self.written_bytes_at_most.map_or_else(
            || "an amount that depends on the cells".to_owned(),
            |bytes| format!("at most {}", amount(bytes)),
        );
        writeln!(
            f,
            "\ndisk: {} are read, {written} written, and about {} needed beside it while the run lasts",
            amount(self.read_bytes),
            amount(self.meanwhile_bytes)
        )?;
        match self.free_bytes {
            Some(free) => writeln!(f, "  {} free in {}", amount(free), self.folder.display()),
            None => Ok(()),
        }
    }
}
