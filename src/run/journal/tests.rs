use super::{Checkpoint, Item, Journal};
use proptest::prelude::*;
use std::fs;

fn image(slice: u32) -> Item {
    Item::Image { channel: 1, slice }
}

fn truth(slice: u32) -> Item {
    Item::Truth { volume: 0, slice }
}

fn mark(images: usize) -> Checkpoint {
    Checkpoint {
        truths: images + 2,
        images,
        maxima: vec![images as u32, 7],
    }
}

/// The bytes of a slice.
fn content(slice: u32) -> Vec<u8> {
    (0..100 + slice).map(|i| (i * 31 + slice) as u8).collect()
}

/// Keeps this many steps of a slice each.
fn fill(journal: &Journal, steps: u32) {
    for step in 0..steps {
        journal.put(image(step), &content(step)).expect("kept");
        journal.put(truth(step), &[]).expect("kept");
        journal.set_mark(mark(step as usize + 1)).expect("marked");
    }
}

#[test]
fn what_was_marked_comes_back_and_more_can_be_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    assert!(Journal::open(&path).expect("nothing").is_none());
    let journal = Journal::new(&path, b"what".to_vec());
    journal.put(image(0), &content(0)).expect("kept");
    assert!(!path.exists(), "no mark yet");
    journal.set_mark(mark(1)).expect("marked");
    journal.put(image(1), b"after the last mark").expect("kept");
    drop(journal);
    for round in 1..4u32 {
        let journal = Journal::open(&path).expect("read").expect("there");
        assert_eq!(journal.header(), b"what");
        assert_eq!(journal.mark(), mark(round as usize));
        for slice in 0..round {
            assert_eq!(journal.get(image(slice)).expect("there"), content(slice));
        }
        assert!(journal.get(image(round)).is_err());
        journal.put(image(round), &content(round)).expect("kept");
        journal.set_mark(mark(round as usize + 1)).expect("marked");
    }
    let journal = Journal::open(&path).expect("read").expect("there");
    journal.publish(b"files").expect("kept");
    drop(journal);
    let journal = Journal::open(&path).expect("read").expect("there");
    assert_eq!(
        (journal.published(), journal.mark()),
        (b"files".to_vec(), mark(4))
    );
    journal.remove().unwrap();
    drop(journal);
    assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 0);
}

#[test]
fn an_earlier_journal_stays_until_the_first_mark() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    fill(&Journal::new(&path, b"earlier".to_vec()), 2);
    let journal = Journal::new(&path, b"later".to_vec());
    journal.put(image(0), b"new").expect("kept");
    drop(journal);
    let earlier = Journal::open(&path).expect("read").expect("there");
    assert_eq!(
        (earlier.header(), earlier.mark()),
        (&b"earlier"[..], mark(2))
    );
    assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1);
    fill(&Journal::new(&path, b"later".to_vec()), 1);
    let later = Journal::open(&path).expect("read").expect("there");
    assert_eq!((later.header(), later.mark()), (&b"later"[..], mark(1)));
}

#[test]
fn other_files_are_no_journals() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    for bytes in [&b""[..], b"simexm-gpu journal 0\nand more", &[0; 200]] {
        fs::write(&path, bytes).expect("written");
        assert!(Journal::open(&path).expect("read").is_none());
    }
}

proptest! {
    /// However a file is cut short or damaged, what is left of it is what was marked before.
    #[test]
    fn damage_costs_no_more_than_what_follows_it(steps in 1u32..6, at in any::<prop::sample::Index>(), flip in any::<bool>()) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal");
        let journal = Journal::new(&path, b"header".to_vec());
        let mut ends = Vec::new();
        for step in 0..steps {
            journal.put(image(step), &content(step)).expect("kept");
            journal.set_mark(mark(step as usize + 1)).expect("marked");
            ends.push(fs::metadata(&path).expect("there").len() as usize);
        }
        drop(journal);
        let mut bytes = fs::read(&path).expect("read");
        let at = at.index(bytes.len());
        if flip {
            bytes[at] ^= 0x10;
        } else {
            bytes.truncate(at);
        }
        fs::write(&path, &bytes).expect("written");
        let whole = ends.iter().filter(|&&end| end <= at).count();
        match Journal::open(&path).expect("read") {
            None => prop_assert_eq!(whole, 0),
            Some(journal) => {
                prop_assert_eq!(journal.mark(), if whole == 0 { Checkpoint::default() } else { mark(whole) });
                prop_assert!(whole > 0);
                for slice in 0..whole as u32 {
                    prop_assert_eq!(journal.get(image(slice)).expect("there"), content(slice));
                }
                prop_assert!(journal.get(image(whole as u32)).is_err());
            }
        }
    }
}

/// Slices that were cut into other tiles stay in force until some of the new ones are finished.
#[test]
fn another_number_of_tiles_counts_from_its_first_mark_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let journal = Journal::new(&path, b"a run".to_vec());
    journal.put(image(0), b"whole").unwrap();
    journal.set_mark(mark(6)).unwrap();
    assert_eq!((journal.tiles(), journal.finished()), (1, 6));
    journal.cut_into(3).unwrap();
    assert_eq!((journal.tiles(), journal.finished()), (3, 0));
    assert!(journal.get(image(0)).is_err());
    journal.put(image(0), b"a part").unwrap();
    drop(journal);

    let journal = Journal::open(&path).unwrap().unwrap();
    assert_eq!((journal.tiles(), journal.mark()), (1, mark(6)));
    assert_eq!(journal.get(image(0)).unwrap(), b"whole");
    journal.cut_into(3).unwrap();
    journal.put(image(0), b"a part").unwrap();
    journal.set_mark(mark(7)).unwrap();
    drop(journal);

    let journal = Journal::open(&path).unwrap().unwrap();
    assert_eq!((journal.tiles(), journal.mark()), (3, mark(7)));
    // Seven slices of three tiles are less than three of the whole.
    assert_eq!(journal.finished(), 3);
    assert_eq!(journal.get(image(0)).unwrap(), b"a part");
    journal.cut_into(3).unwrap();
    assert_eq!(journal.mark(), mark(7));
}

#[test]
fn a_run_killed_before_its_first_mark_leaves_what_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let journal = Journal::new(&path, b"a run".to_vec());
    journal.put(image(0), b"a slice").unwrap();
    // A kill.
    std::mem::forget(journal);
    assert!(Journal::open(&path).unwrap().is_none());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    Journal::forget_abandoned(&path);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_journal_that_cannot_be_removed_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let journal = Journal::new(&path, b"a run".to_vec());
    journal.remove().unwrap();
    // What the system does not remove as a file.
    fs::create_dir(&path).unwrap();
    assert!(journal.remove().is_err());
}
