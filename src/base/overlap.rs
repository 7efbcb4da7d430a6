//! Work that is handed on while the next of it is made.

/// Makes items one after the other, and hands each on while the next one is made.
///
/// `make` gets the item that was handed on last, to use again what it holds, and returns the next
/// one; from its first `None` on there are no more. `take` is called for each item in order, on
/// another thread. `turn` is called on this thread between the two, with the item that has been
/// taken meanwhile: it may stop the work.
///
/// # Errors
/// The first error of any of them; `take`'s before `make`'s.
pub fn overlapped<T: Send + Sync, E: Send>(
    mut make: impl FnMut(Option<T>) -> Result<Option<T>, E> + Send,
    mut take: impl FnMut(&T) -> Result<(), E> + Send,
    mut turn: impl FnMut(Option<&T>) -> Result<(), E>,
) -> Result<(), E> {
    let (mut ready, mut used): (Option<T>, Option<T>) = (None, None);
    loop {
        turn(used.as_ref())?;
        let (made, taken) = rayon::join(
            || make(used.take()),
            || ready.as_ref().map_or(Ok(()), &mut take),
        );
        taken?;
        used = ready.take();
        ready = made?;
        if ready.is_none() && used.is_none() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::overlapped;

    #[test]
    fn every_item_is_taken_once_and_in_order() {
        for count in [0, 1, 2, 5] {
            let (mut next, mut taken, mut turned) = (0, Vec::new(), Vec::new());
            let result: Result<(), ()> = overlapped(
                |used: Option<usize>| {
                    assert!(used.is_none_or(|used| used < next));
                    next += 1;
                    Ok((next <= count).then_some(next - 1))
                },
                |&item| {
                    taken.push(item);
                    Ok(())
                },
                |used| {
                    turned.extend(used.copied());
                    Ok(())
                },
            );
            assert_eq!(result, Ok(()));
            let all: Vec<usize> = (0..count).collect();
            assert_eq!((taken, turned), (all.clone(), all));
        }
    }

    #[test]
    fn an_error_ends_it() {
        let make = |_: Option<u32>| Ok(Some(1));
        assert_eq!(overlapped(make, |_| Err("take"), |_| Ok(())), Err("take"));
        assert_eq!(overlapped(make, |_| Ok(()), |_| Err("turn")), Err("turn"));
        let failing = |_: Option<u32>| Err("make");
        assert_eq!(overlapped(failing, |_| Ok(()), |_| Ok(())), Err("make"));
    }
}
