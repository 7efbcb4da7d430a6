//! What earlier runs have left: records, journals and measurements.

use simexm_gpu::internals::apps::bench::compare::compare;
use simexm_gpu::internals::apps::bench::file::BenchFile;
use simexm_gpu::internals::apps::bench::{page, text};
use simexm_gpu::internals::run::journal::{Checkpoint, Item, Journal};
use simexm_gpu::internals::run::simulation::written_files;
use std::fs;
use std::path::{Component, Path};

/// `simulation.toml`: no file that it names lies elsewhere.
pub(super) fn record(data: &[u8], folder: &Path) {
    fs::write(folder.join("simulation.toml"), data).expect("room");
    for file in written_files(folder) {
        let inside = |part| matches!(part, Component::Normal(_));
        assert!(Path::new(&file).components().all(inside), "{file:?}");
    }
}

pub(super) fn records() -> Vec<Vec<u8>> {
    let record = "# Written by simexm-gpu.\n\n[output]\nname = \"r\"\n[compute]\nseed = 7\n[expansion]\nfactor = 4.5\n";
    let sum = crc32fast::hash(record.as_bytes());
    let run = format!(
        "\n[run]\nversion = \"0.1.0\"\nconfiguration_crc32 = {sum}\n\
         [[run.files]]\npath = \"simulation/channel_1.tiff\"\nbytes = 100\ncrc32 = 1\n\
         [[run.files]]\npath = \"report.html\"\nbytes = 0\ncrc32 = 0\n"
    );
    let edited = run.replace(&sum.to_string(), "1");
    [run, edited]
        .map(|run| [record, &run].concat().into())
        .into()
}

/// First line of a journal.
const MAGIC: &[u8] = b"simexm-gpu journal 1\n";

/// Bytes before those of a record: checksum of what follows, kind, two numbers, length.
const HEAD: usize = 24;

/// Sets the first line and the checksums right, so that damage gets past them.
fn with_checksums(data: &[u8]) -> Vec<u8> {
    let mut journal = data.to_vec();
    let magic = MAGIC.len().min(journal.len());
    journal[..magic].copy_from_slice(&MAGIC[..magic]);
    let mut at = magic;
    while let Some(head) = journal.get_mut(at..at + HEAD) {
        // A record of an input is no longer than that.
        let length = usize::from(u16::from_le_bytes([head[16], head[17]]));
        head[16..].copy_from_slice(&(length as u64).to_le_bytes());
        let Some(rest) = journal.get(at + 4..at + HEAD + length) else {
            break;
        };
        let sum = crc32fast::hash(rest).to_le_bytes();
        journal[at..at + 4].copy_from_slice(&sum);
        at += HEAD + length;
    }
    journal
}

/// A journal with any content, and one with any bytes at all.
pub(super) fn journal(data: &[u8], folder: &Path) {
    let path = folder.join("journal");
    for bytes in [data, &with_checksums(data)] {
        fs::write(&path, bytes).expect("room");
        let Ok(Some(journal)) = Journal::open(&path) else {
            continue;
        };
        let _ = (journal.mark(), journal.finished(), journal.published());
        let items = (0..4).flat_map(|slice| {
            let volume = slice % 2;
            [
                Item::Image {
                    channel: volume,
                    slice,
                },
                Item::Truth { volume, slice },
            ]
        });
        for item in items {
            let _ = journal.get(item);
        }
        let kept = Item::Image {
            channel: 0,
            slice: 1,
        };
        journal.cut_into(3).expect("room");
        journal.put(kept, b"slice").expect("room");
        let mark = Checkpoint {
            images: 1,
            maxima: vec![9],
            ..Checkpoint::default()
        };
        journal.set_mark(mark.clone()).expect("room");
        drop(journal);
        // What was put there is there, whatever was before.
        let journal = Journal::open(&path).expect("readable").expect("a journal");
        assert_eq!(journal.mark(), mark);
        assert_eq!(journal.get(kept).expect("kept"), b"slice");
        journal.remove().expect("removable");
    }
}

pub(super) fn journals() -> Vec<Vec<u8>> {
    let record = |kind: u8, numbers: [u8; 2], bytes: &[u8]| {
        let mut record = vec![0; HEAD];
        (record[4], record[8], record[12]) = (kind, numbers[0], numbers[1]);
        record[16] = bytes.len() as u8;
        record.extend(bytes);
        record
    };
    let records = [
        record(1, [0, 0], b"{\"slices\":24}"),
        record(6, [1, 0], b""),
        record(3, [0, 0], b"truth"),
        record(2, [0, 0], b"image"),
        record(2, [0, 1], b"another"),
        record(4, [1, 2], &[7, 0, 0, 0]),
        record(5, [0, 0], b"[{\"path\":\"a\",\"bytes\":1,\"crc32\":2}]"),
    ];
    let whole = with_checksums(&[MAGIC, &records.concat()].concat());
    let marked = with_checksums(&[MAGIC, &records[..6].concat()].concat());
    vec![whole, marked]
}

/// What `bench` has measured, and compares.
pub(super) fn bench(data: &[u8], folder: &Path) {
    let path = folder.join("bench.json");
    fs::write(&path, data).expect("room");
    let read = || BenchFile::read(&path);
    match (read(), read()) {
        (Ok(file), Ok(again)) => {
            let _ = (file.is_sound(), text(&file), page(&file));
            if let Ok(comparison) = compare(&[("a".into(), file), ("b".into(), again)]) {
                let _ = comparison.agrees();
            }
        }
        (Err(error), _) | (_, Err(error)) => assert!(!error.to_string().is_empty()),
    }
}

pub(super) fn benches() -> Vec<Vec<u8>> {
    let file = r#"{"schema":SCHEMA,"program":{"version":"0.1.0","wgpu":"30"},"machine":{"os":"Linux",
"architecture":"x86_64","cpu":null,"cores":2,"threads":2,"memory_bytes":null},"settings":{"size":
"tiny","repeat":1,"seed":7},"sizes":[{"name":"tiny","shape_voxels":[4,8,8],"voxels":256,"cells":3}],
"devices":[{"name":"CPU","adapter":null,"limits":null,"startup":null,"copy_bytes_per_second":1e9,
"runs":[],"error":null}],"crossovers":[]}"#;
    (1..=12)
        .map(|schema| file.replace("SCHEMA", &schema.to_string()).into())
        .collect()
}
