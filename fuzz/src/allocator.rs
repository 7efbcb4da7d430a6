//! An allocator that knows what a piece of work has held at most. It counts by thread: whatever is
//! measured has to stay on its own.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, and a count.
pub struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // A thread that ends frees what it has, and its counters are gone by then.
    let _ = HELD.try_with(|held| {
        held.set(held.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(held.get())));
    });
}

// A global allocator is unsafe by its trait; everything is handed to the system's.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
        count(-layout.size().cast_signed());
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // Both may be there for a while.
        count(bytes.cast_signed());
        let moved = unsafe { System.realloc(memory, layout, bytes) };
        count(-layout.size().cast_signed());
        moved
    }
}

/// Does a piece of work; tells what this thread held in it at most, beside what it held before.
pub fn peak_of<R>(work: impl FnOnce() -> R) -> (R, usize) {
    let (start, outer) = (HELD.get(), PEAK.get());
    PEAK.set(start);
    let result = work();
    let peak = PEAK.get();
    PEAK.set(peak.max(outer));
    (result, usize::try_from(peak - start).unwrap_or(0))
}
