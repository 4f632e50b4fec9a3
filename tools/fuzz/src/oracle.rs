//! What must hold for every text that a reader returns.

/// A secret in the corpus, which the engines also insert where a secret may be.
pub const CANARY: &str = "c4naryXq7SECRET9z";

/// The longest text of an error, whatever the input is, as it goes into a history and into logs.
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
