//! Makes foreign text fit for a message: no control characters, no tokens, a limited length.

use secrecy::SecretString;

use crate::redact::{self, REMOVED};

/// How many bytes of a response's text an error keeps.
pub(crate) const MAX_DETAIL_BYTES: usize = 512;

/// As [`clean`], after these secrets were removed from the text.
pub(crate) fn clean_without(text: &str, secrets: &[SecretString], max_bytes: usize) -> String {
    clean(&redact::without(text, secrets), max_bytes)
}

/// One line of at most `max_bytes` bytes: control characters and runs of white space become one
/// space, and what looks like a token or a password's value is replaced by `[removed]`. The cut
/// never splits a character.
pub(crate) fn clean(text: &str, max_bytes: usize) -> String {
    // An error page may have megabytes; four times the wanted length is enough to fill it.
    let mut end = text.len().min(max_bytes.saturating_mul(4));
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut cleaned = String::with_capacity(end.min(max_bytes));
    let mut previous = "";
    for word in text[..end].split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !cleaned.is_empty() {
            cleaned.push(' ');
        }
        match hidden(previous, word) {
            Some(shown) => cleaned.push_str(&shown),
            None => cleaned.push_str(word),
        }
        previous = word;
        if cleaned.len() > max_bytes {
            break;
        }
    }
    let mut end = cleaned.len().min(max_bytes);
    while !cleaned.is_char_boundary(end) {
        end -= 1;
    }
    cleaned.truncate(end);
    cleaned
}

/// The text to show in place of a word that may be a secret: a JWT or bearer token is removed
/// whole, of `password=…` and the like only the value. A source's message may repeat the refused
/// request.
fn hidden(previous: &str, word: &str) -> Option<String> {
    if word.contains("eyJ") && word.len() > 40 {
        return Some(REMOVED.to_owned());
    }
    let bare = |text: &str| {
        text.trim_matches(|c: char| !c.is_ascii_alphanumeric())
            .to_ascii_lowercase()
    };
    if bare(previous) == "bearer" && word.len() > 15 {
        return Some(REMOVED.to_owned());
    }
    if names_a_secret(&bare(previous)) && previous.ends_with([':', '=']) {
        return Some(REMOVED.to_owned());
    }
    // Any `name=value` or `"name":"value"` within the word: the rest of the word is removed.
    word.char_indices()
        .filter(|(_, c)| matches!(c, '=' | ':'))
        .find(|(at, _)| word.len() > at + 1 && names_a_secret(&bare(&word[..*at])))
        .map(|(at, _)| format!("{}{REMOVED}", &word[..=at]))
}

fn names_a_secret(name: &str) -> bool {
    [
        "password",
        "passwd",
        "pwd",
        "secret",
        "token",
        "accesskey",
        "apikey",
        "credential",
    ]
    .iter()
    .any(|word| name.ends_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_one_line_and_bounded() {
        assert_eq!(clean("a\r\n\t b\u{0}c", 100), "a b c");
        assert_eq!(clean("ääää", 5), "ää");
        assert_eq!(clean(&"x".repeat(10_000), 512).len(), 512);
    }

    #[test]
    fn what_looks_like_a_secret_is_removed() {
        let jwt = format!("eyJ{}", "a".repeat(60));
        assert_eq!(
            clean(&format!("token {jwt} refused"), 512),
            "token [removed] refused"
        );
        assert_eq!(
            clean("Bearer abcdefghijklmnopqrst expired", 512),
            "Bearer [removed] expired"
        );
        assert_eq!(
            clean("user=a;b password=hunter2 x", 512),
            "user=a;b password=[removed] x"
        );
        assert_eq!(
            clean("{\"password\": \"hunter2\"}", 512),
            "{\"password\": [removed]"
        );
        assert_eq!(
            clean("{\"user\":\"a\",\"password\":\"hunter2\"}", 512),
            "{\"user\":\"a\",\"password\":[removed]"
        );
        assert_eq!(clean("password is wrong", 512), "password is wrong");
    }
}
