//! How an error shows what a caller wrote, and what would have been right.

/// What a secret in an input looks like.
pub const SECRET_REFERENCE: &str =
    r#"{"env": "NAME"}, {"file": "path"} or {"vault": {"path": "…", "key": "…"}}"#;

/// Enough of a value to recognise it, safe for a log line.
pub fn shown(value: &str) -> String {
    let mut shown: String = value
        .chars()
        .take(80)
        .flat_map(char::escape_debug)
        .collect();
    if value.chars().nth(80).is_some() {
        shown.push('…');
    }
    shown
}

/// Up to three of `known` that are similar to `name`, the most similar first.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = name.to_lowercase();
    let mut scored: Vec<(f64, &str)> = known
        .map(|each| (strsim::jaro_winkler(&wanted, &each.to_lowercase()), each))
        // Below this, two names share little more than their first letter.
        .filter(|(score, _)| *score > 0.8)
        .collect();
    scored.sort_by(|left, right| right.0.total_cmp(&left.0));
    scored.truncate(3);
    scored.into_iter().map(|(_, each)| each).collect()
}
