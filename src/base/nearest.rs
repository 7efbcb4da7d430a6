//! The word that a misspelt one stands for.

/// The word of `candidates` that `found` most likely stands for, if any is close.
pub fn nearest<'c, S: AsRef<str>>(found: &str, candidates: &'c [S]) -> Option<&'c str> {
    let found = found.to_lowercase();
    // About one slip in three letters; longer strays are no slips.
    let limit = (found.chars().count() / 3).clamp(1, 4);
    candidates
        .iter()
        .map(|candidate| candidate.as_ref())
        .map(|word| {
            (
                strsim::damerau_levenshtein(&found, &word.to_lowercase()),
                word,
            )
        })
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}
