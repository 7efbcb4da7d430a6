//! What wgpu and a driver do not survive becomes an error here.
//!
//! A driver may give up at any call: wgpu answers with an error, or, where its interface leaves no
//! room for one, with a panic. Here a panic is an error like the others, and nothing is printed of
//! it.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether this thread is within the boundary.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    /// What the last panic within it said.
    static MESSAGE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Does work that calls wgpu. A panic, of its own or of what it drops, becomes its message.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let outside = take_hook();
        set_hook(Box::new(move |panic| {
            if INSIDE.get() {
                let message = panic.payload_as_str().unwrap_or("a panic");
                let first = message.lines().find(|line| !line.trim().is_empty());
                let first = first.unwrap_or_default().trim().to_owned();
                MESSAGE.set(first);
            } else {
                outside(panic);
            }
        }));
    });
    let was_inside = INSIDE.replace(true);
    // Whoever calls gives up what a panic leaves half done.
    let result = catch_unwind(AssertUnwindSafe(work));
    INSIDE.set(was_inside);
    result.map_err(|_| MESSAGE.take())
}

#[cfg(test)]
mod tests {
    use super::caught;

    #[test]
    fn a_panic_becomes_its_message() {
        assert_eq!(caught(|| 7), Ok(7));
        let lost = || -> u32 { panic!("in Device::poll\n    device lost") };
        assert_eq!(caught(lost), Err("in Device::poll".to_owned()));
        let nested = || caught(|| -> u32 { panic!("inner") }).unwrap_err();
        assert_eq!(caught(nested), Ok("inner".to_owned()));
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("buckets are not empty");
            }
        }
        assert_eq!(
            caught(|| drop(Bomb)),
            Err("buckets are not empty".to_owned())
        );
    }
}
