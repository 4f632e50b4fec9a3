//! Which names may be sent in a list's filter.
//!
//! A comma means "or" in every filter of the platform, and no page says how to escape it, a quote
//! or an operator. So only plain names are sent. For any other name the request filters by the
//! parent alone. The client compares the names itself in both cases. Source: "Sort and filter
//! responses in the Flow Service API", read 2026-11.

/// Whether a name means itself in a filter: ASCII letters, digits, space, `-`, `_`, `.`, with no
/// space at either end. Letters beyond ASCII don't count as plain: the service may store and
/// compare them in different Unicode normal forms.
pub(crate) fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.trim() == name
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_go_into_a_filter() {
        for name in ["osc_contacts", "Oracle Service Cloud", "v1.2-b"] {
            assert!(is_plain(name), "{name}");
        }
        for name in [
            "", " a", "a ", "a,b", "a\"b", "a'b", "a&b", "a+b", "a%b", "a==b", "Größe", "😀",
            "a*b", "a#b", "a/b", "a\\b", "(a)",
        ] {
            assert!(!is_plain(name), "{name}");
        }
    }
}
