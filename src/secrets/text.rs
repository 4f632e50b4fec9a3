//! From the bytes of a secret to its text.

use secrecy::SecretString;

use super::error::SecretError;

/// The text in `bytes` as a secret, in an allocation of exactly its size: a text that shrinks or
/// grows leaves a copy behind.
pub(super) fn secret_text(
    bytes: &[u8],
    reference: impl Fn() -> String,
) -> Result<SecretString, SecretError> {
    let text = str::from_utf8(bytes).map_err(|_| SecretError::NotUtf8 {
        reference: reference(),
    })?;
    if text.is_empty() {
        return Err(SecretError::Empty {
            reference: reference(),
        });
    }
    Ok(SecretString::new(Box::from(text)))
}
