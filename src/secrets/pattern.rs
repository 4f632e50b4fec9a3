//! Patterns of names and paths, in which `*` matches any characters.

/// Whether `name` matches `pattern`.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let mut rest = rest;
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_as_a_person_reads_it() {
        for (pattern, name, expected) in [
            ("*", "A", true),
            ("OSC_*", "OSC_PASSWORD", true),
            ("OSC_*", "MOSC_PASSWORD", false),
            ("*_PASSWORD", "OSC_PASSWORD", true),
            ("*_PASSWORD", "OSC_PASSWORD_OLD", false),
            ("OSC_*_PASSWORD", "OSC_EMEA_PASSWORD", true),
            ("OSC_*_PASSWORD", "OSC_PASSWORD", false),
            ("OSC", "OSC", true),
            ("OSC", "OSC_PASSWORD", false),
            ("A*A", "A", false),
            ("osc/*", "osc/emea", true),
            ("osc/*", "oscar", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
