//! What must hold of any text that leaves a reader.

/// A secret that stands in the corpus, and that engines put where a secret may be.
pub const CANARY: &str = "c4naryXq7SECRET9z";

/// Longest text of an error, whatever the input is: it stands in a history and in logs.
pub(crate) const LONGEST_ERROR: usize = 4096;

/// Fails for an error that is long, holds a control character or repeats the secret.
#[track_caller]
pub(crate) fn assert_fit(error: &str, has_secret: bool) {
    assert!(
        error.len() <= LONGEST_ERROR,
        "an error of {} bytes",
        error.len()
    );
    assert!(
        error.chars().all(|each| each == '\n' || !each.is_control()),
        "an error with a control character"
    );
    assert!(
        !(has_secret && error.contains(CANARY)),
        "an error repeats the secret"
    );
}

/// Fails for a text that shows the secret.
#[track_caller]
pub(crate) fn assert_quiet(text: &str) {
    assert!(!text.contains(CANARY), "the secret is shown");
}
