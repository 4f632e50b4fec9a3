//! The keys for payloads: the first one seals, each of them opens.

use std::sync::Arc;

use aes_gcm::{Aes256Gcm, KeyInit as _};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

/// Bytes of a key of AES-256.
const KEY_BYTES: usize = 32;

/// The longest id. It is shorter than any key as text, so that a key in place of an id is refused
/// before it is shown.
const MOST_ID_BYTES: usize = 32;

/// Keys with their ids. Clones share them; dropping the last clone wipes them.
#[derive(Clone)]
pub struct KeyRing(Arc<[Key]>);

pub(super) struct Key {
    pub(super) id: String,
    pub(super) cipher: Aes256Gcm,
}

/// Why a list of keys is refused. Names an id or a position in the list, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRingError {
    /// The list is empty.
    #[error("a list without a key")]
    Empty,
    /// Not of the form `ID=KEY`.
    #[error("a list whose entry {position} is not `ID=KEY`")]
    NotAPair {
        /// Counted from 1.
        position: usize,
    },
    /// No id, or one with other characters or too many.
    #[error("a list whose entry {position} has no valid id")]
    BadId {
        /// Counted from 1.
        position: usize,
    },
    /// Not a key of AES-256.
    #[error("a list whose key `{id}` is not {KEY_BYTES} bytes in base64 or hexadecimal digits")]
    NotAKey {
        /// Id of the key.
        id: String,
    },
    /// Two keys with one id.
    #[error("a list with two keys with the id `{id}`")]
    Twice {
        /// The id.
        id: String,
    },
}

impl KeyRing {
    /// A ring of these keys, each with an id and 32 bytes in base64 or hexadecimal digits. The
    /// first one seals.
    ///
    /// # Errors
    /// [`KeyRingError`]; whoever wrote the configuration corrects it.
    pub fn new<'a>(
        keys: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, KeyRingError> {
        let mut ring: Vec<Key> = Vec::new();
        for (at, (id, text)) in keys.into_iter().enumerate() {
            if !is_id(id) {
                return Err(KeyRingError::BadId { position: at + 1 });
            }
            let id = id.to_owned();
            if ring.iter().any(|key| key.id == id) {
                return Err(KeyRingError::Twice { id });
            }
            let Some(bytes) = key_bytes(text.trim()) else {
                return Err(KeyRingError::NotAKey { id });
            };
            let cipher = Aes256Gcm::new((&*bytes).into());
            ring.push(Key { id, cipher });
        }
        if ring.is_empty() {
            return Err(KeyRingError::Empty);
        }
        Ok(Self(ring.into()))
    }

    /// Reads `ID=KEY` entries, separated by commas or line breaks.
    ///
    /// # Errors
    /// Those of [`KeyRing::new`].
    pub fn parse(text: &str) -> Result<Self, KeyRingError> {
        let mut pairs = Vec::new();
        let entries = text.split([',', '\n']).map(str::trim);
        for (at, entry) in entries.filter(|entry| !entry.is_empty()).enumerate() {
            let pair = entry.split_once('=');
            let (id, key) = pair.ok_or(KeyRingError::NotAPair { position: at + 1 })?;
            pairs.push((id.trim(), key));
        }
        Self::new(pairs)
    }

    /// The ids, in their order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| key.id.as_str())
    }

    /// The key that seals.
    pub(super) fn newest(&self) -> &Key {
        self.0.first().expect("a ring is made of at least one key")
    }

    pub(super) fn find(&self, id: &[u8]) -> Option<&Key> {
        self.0.iter().find(|key| key.id.as_bytes() == id)
    }
}

/// The ids, and nothing of the keys.
impl std::fmt::Debug for KeyRing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.ids()).finish()
    }
}

/// Letters, digits and `._:/-`, which need no quotes in any text.
fn is_id(text: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte);
    (1..=MOST_ID_BYTES).contains(&text.len()) && text.bytes().all(is_fit)
}

fn key_bytes(text: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    // Longer than a key, because the decoder estimates the size and refuses a tight buffer.
    let mut buffer = Zeroizing::new([0; KEY_BYTES + 4]);
    let read = if text.len() == KEY_BYTES * 2 {
        hexadecimal(text.as_bytes(), &mut buffer[..KEY_BYTES])?
    } else {
        let engine = if text.contains(['-', '_']) {
            alphabet::URL_SAFE
        } else {
            alphabet::STANDARD
        };
        let config =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        GeneralPurpose::new(&engine, config)
            .decode_slice(text, &mut buffer[..])
            .ok()?
    };
    if read != KEY_BYTES {
        return None;
    }
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    key.copy_from_slice(&buffer[..KEY_BYTES]);
    Some(key)
}

fn hexadecimal(digits: &[u8], bytes: &mut [u8]) -> Option<usize> {
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = [pair[0], pair[1]].map(|digit| char::from(digit).to_digit(16));
        *byte = u8::try_from(high? * 16 + low?).ok()?;
    }
    Some(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE64: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";

    fn refusal(text: &str) -> String {
        let error = KeyRing::parse(text).unwrap_err();
        let shown = format!("{error} / {error:?}");
        assert!(
            !shown.contains("AAEC") && !shown.contains("0001"),
            "{shown}"
        );
        error.to_string()
    }

    #[test]
    fn a_key_is_read_in_base64_and_in_hexadecimal_digits() {
        let expected: [u8; KEY_BYTES] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        for text in [BASE64, BASE64.trim_end_matches('='), HEX] {
            assert_eq!(*key_bytes(text).unwrap(), expected, "{text}");
        }
        let all_ones = "_".repeat(42) + "8";
        assert_eq!(*key_bytes(&all_ones).unwrap(), [255; KEY_BYTES]);
    }

    #[test]
    fn the_first_key_seals_and_each_is_found_by_its_id() {
        for between in [",", "\n", " , ", "\n\n"] {
            let ring = KeyRing::parse(&format!("2026-11={BASE64}{between}old={HEX}")).unwrap();
            assert_eq!(ring.ids().collect::<Vec<_>>(), ["2026-11", "old"]);
            assert_eq!(ring.newest().id, "2026-11");
            assert!(ring.find(b"old").is_some());
            assert!(ring.find(b"OLD").is_none());
        }
    }

    #[test]
    fn what_is_no_list_of_keys_is_refused_by_id_or_place() {
        let long = "0".repeat(33);
        for (text, expected) in [
            ("", "a list without a key"),
            (" \n, ", "a list without a key"),
            ("AAECAwQF", "entry 1 is not `ID=KEY`"),
            (&format!("a={BASE64},b"), "entry 2 is not `ID=KEY`"),
            (&format!("={BASE64}"), "entry 1 has no valid id"),
            (&format!("a b={BASE64}"), "entry 1 has no valid id"),
            (&format!("{long}={BASE64}"), "entry 1 has no valid id"),
            // If id and key are swapped, the key must not be shown.
            (&format!("{BASE64}=a"), "entry 1 has no valid id"),
            (&format!("{HEX}=a"), "entry 1 has no valid id"),
            (&format!("a={BASE64},a={HEX}"), "two keys with the id `a`"),
            ("a=", "key `a` is not 32 bytes"),
            ("a=AAECAwQFBgcICQoLDA0ODw==", "key `a` is not 32 bytes"),
            (&format!("a=00{HEX}"), "key `a` is not 32 bytes"),
            (&format!("a=g{}", &HEX[1..]), "key `a` is not 32 bytes"),
            (&format!("a={}", &BASE64[1..]), "key `a` is not 32 bytes"),
        ] {
            let shown = refusal(text);
            assert!(shown.contains(expected), "{text}: {shown}");
        }
    }

    #[test]
    fn no_key_is_shown() {
        let ring = KeyRing::parse(&format!("a={HEX}")).unwrap();
        assert_eq!(format!("{ring:?}"), r#"["a"]"#);
    }
}
