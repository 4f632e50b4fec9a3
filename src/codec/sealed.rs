//! Seals and opens a payload with a key, in the format of Temporal's samples. Pure: bytes in, bytes
//! out.

use std::collections::HashMap;

use aes_gcm::{AeadInOut as _, Nonce, Tag};
use prost::Message as _;
use rand::Rng as _;
use temporalio_common::protos::temporal::api::common::v1::Payload;
use zeroize::Zeroize as _;

use super::KeyRing;

const ENCODING: &str = "encoding";
const ENCRYPTED: &[u8] = b"binary/encrypted";
const KEY_ID: &str = "encryption-key-id";

const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// How much of an unknown key's id an error shows.
const SHOWN_ID_CHARS: usize = 40;

/// Why a payload can't be sealed or opened. Shows the key's id, and nothing of key or payload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The payload does not say which key sealed it.
    #[error("an encrypted payload names no key")]
    NoKeyId,
    /// The payload was sealed with a key that is not in the ring.
    #[error("there is no key `{key_id}` to decrypt a payload with")]
    UnknownKey {
        /// As the payload names it, shortened and escaped.
        key_id: String,
    },
    /// The payload is shorter than a nonce and a tag.
    #[error("a payload encrypted with the key `{key_id}` is truncated")]
    CutOff {
        /// Id of the key.
        key_id: String,
    },
    /// The payload was changed, or sealed with another key of the same id.
    #[error(
        "a payload encrypted with the key `{key_id}` can't be decrypted: it was changed, or it \
         was encrypted with another key of that id"
    )]
    NotAuthentic {
        /// Id of the key.
        key_id: String,
    },
    /// The decrypted bytes are not a payload.
    #[error("the data encrypted with the key `{key_id}` is not a payload")]
    NotAPayload {
        /// Id of the key.
        key_id: String,
    },
    /// The payload is longer than AES-GCM allows, about 64 GB.
    #[error("a payload is too long to be encrypted with the key `{key_id}`")]
    TooLong {
        /// Id of the key.
        key_id: String,
    },
}

impl KeyRing {
    /// Seals a payload with the newest key.
    ///
    /// # Errors
    /// [`CodecError::TooLong`].
    pub fn seal(&self, payload: &Payload) -> Result<Payload, CodecError> {
        let key = self.newest();
        let mut nonce = Nonce::default();
        rand::rng().fill_bytes(&mut nonce);
        // Has its final size from the start, because growing leaves copies of the clear text.
        let whole = NONCE_BYTES + payload.encoded_len() + TAG_BYTES;
        let mut data = Vec::with_capacity(whole);
        data.extend_from_slice(&nonce);
        payload
            .encode(&mut data)
            .expect("a vector takes what it has room for");
        let clear = &mut data[NONCE_BYTES..];
        let Ok(tag) = key.cipher.encrypt_inout_detached(&nonce, &[], clear.into()) else {
            data.zeroize();
            return Err(CodecError::TooLong {
                key_id: key.id.clone(),
            });
        };
        data.extend_from_slice(&tag);
        Ok(Payload {
            metadata: HashMap::from([
                (ENCODING.to_owned(), ENCRYPTED.to_vec()),
                (KEY_ID.to_owned(), key.id.clone().into_bytes()),
            ]),
            data,
            external_payloads: Vec::new(),
        })
    }

    /// Opens a payload with the key that it names; returns one that is not sealed unchanged.
    ///
    /// # Errors
    /// [`CodecError`], except `TooLong`. Retrying helps once the key is in the ring.
    pub fn open(&self, payload: Payload) -> Result<Payload, CodecError> {
        if !is_sealed(&payload) {
            return Ok(payload);
        }
        let key_id = payload.metadata.get(KEY_ID).ok_or(CodecError::NoKeyId)?;
        self.open_bytes(key_id, payload.data)
    }

    /// Opens the data of a sealed payload with the key of that id.
    ///
    /// # Errors
    /// Those of [`KeyRing::open`].
    pub fn open_bytes(&self, key_id: &[u8], mut data: Vec<u8>) -> Result<Payload, CodecError> {
        let Some(key) = self.find(key_id) else {
            return Err(CodecError::UnknownKey {
                key_id: shown(key_id),
            });
        };
        let key_id = || key.id.clone();
        let Some(length) = data.len().checked_sub(NONCE_BYTES + TAG_BYTES) else {
            return Err(CodecError::CutOff { key_id: key_id() });
        };
        let (nonce, rest) = data.split_at_mut(NONCE_BYTES);
        let (text, tag) = rest.split_at_mut(length);
        let [nonce, tag] = [&*nonce, &*tag];
        let nonce = Nonce::try_from(nonce).expect("split off at its length");
        let tag = Tag::try_from(tag).expect("what is left is a tag");
        let opened = key
            .cipher
            .decrypt_inout_detached(&nonce, &[], (&mut *text).into(), &tag);
        if opened.is_err() {
            return Err(CodecError::NotAuthentic { key_id: key_id() });
        }
        let payload = Payload::decode(&*text);
        data.zeroize();
        // The cause could repeat a part of the content.
        payload.map_err(|_| CodecError::NotAPayload { key_id: key_id() })
    }
}

fn is_sealed(payload: &Payload) -> bool {
    payload.metadata.get(ENCODING).map(Vec::as_slice) == Some(ENCRYPTED)
}

/// Refuses a sealed payload that names a key, for a worker without keys.
pub(super) fn need_no_key(payload: &Payload) -> Result<(), CodecError> {
    if !is_sealed(payload) {
        return Ok(());
    }
    match payload.metadata.get(KEY_ID) {
        Some(key_id) => Err(CodecError::UnknownKey {
            key_id: shown(key_id),
        }),
        None => Ok(()),
    }
}

/// Whether it is sealed but names no key, so that no key can ever open it.
pub(super) fn is_for_nobody(payload: &Payload) -> bool {
    is_sealed(payload) && !payload.metadata.contains_key(KEY_ID)
}

/// An id that somebody else wrote, shortened to fit into a line.
fn shown(id: &[u8]) -> String {
    let text = String::from_utf8_lossy(id);
    let mut shown: String = text.chars().take(SHOWN_ID_CHARS).collect();
    shown = shown.escape_debug().to_string();
    if text.chars().nth(SHOWN_ID_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLEAR: &[u8] = br#"{"host":"acme.custhelp.com"}"#;

    fn key(byte: u8) -> String {
        format!("{byte:02x}").repeat(32)
    }

    fn ring(keys: &[(&str, u8)]) -> KeyRing {
        let keys: Vec<_> = keys.iter().map(|(id, byte)| (*id, key(*byte))).collect();
        KeyRing::new(keys.iter().map(|(id, key)| (*id, key.as_str()))).unwrap()
    }

    fn clear() -> Payload {
        Payload {
            metadata: HashMap::from([(ENCODING.to_owned(), b"json/plain".to_vec())]),
            data: CLEAR.to_vec(),
            external_payloads: Vec::new(),
        }
    }

    fn refusal(ring: &KeyRing, payload: Payload) -> CodecError {
        let error = ring.open(payload).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(
            !shown.contains("acme") && !shown.contains("0101"),
            "{shown}"
        );
        error
    }

    #[test]
    fn what_was_sealed_is_opened_again() {
        let ring = ring(&[("a", 1)]);
        let sealed = ring.seal(&clear()).unwrap();
        assert_eq!(sealed.metadata[ENCODING], b"binary/encrypted");
        assert_eq!(sealed.metadata[KEY_ID], b"a");
        assert_eq!(sealed.metadata.len(), 2);
        let length = clear().encoded_len();
        assert_eq!(sealed.data.len(), 12 + length + 16);
        assert!(!sealed.data.windows(4).any(|window| window == b"acme"));
        assert_eq!(ring.open(sealed).unwrap(), clear());
    }

    #[test]
    fn the_layout_is_that_of_the_samples() {
        // By Python: AESGCM(bytes([1] * 32)).encrypt(bytes(range(12)), payload, None).
        let data = PYTHON
            .as_bytes()
            .chunks_exact(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap());
        let opened = ring(&[("a", 1)]).open_bytes(b"a", data.collect());
        assert_eq!(opened.unwrap(), clear());
    }

    #[test]
    fn the_same_payload_is_never_sealed_alike() {
        let ring = ring(&[("a", 1)]);
        let sealed = |_| ring.seal(&clear()).unwrap().data;
        let nonces: std::collections::HashSet<_> = (0..1000)
            .map(sealed)
            .map(|data| data[..12].to_vec())
            .collect();
        assert_eq!(nonces.len(), 1000);
    }

    #[test]
    fn a_new_key_seals_while_the_old_one_still_opens() {
        let old = ring(&[("old", 1)]);
        let both = ring(&[("new", 2), ("old", 1)]);
        let by_old = old.seal(&clear()).unwrap();
        let by_both = both.seal(&clear()).unwrap();
        assert_eq!(by_both.metadata[KEY_ID], b"new");
        assert_eq!(both.open(by_old).unwrap(), clear());
        let unknown = CodecError::UnknownKey {
            key_id: "new".to_owned(),
        };
        assert_eq!(refusal(&old, by_both), unknown);
    }

    #[test]
    fn what_is_not_sealed_passes() {
        let ring = ring(&[("a", 1)]);
        for payload in [clear(), Payload::default()] {
            assert_eq!(ring.open(payload.clone()).unwrap(), payload);
        }
    }

    #[test]
    fn every_byte_that_is_changed_or_missing_is_noticed() {
        let ring = ring(&[("a", 1)]);
        let sealed = ring.seal(&clear()).unwrap();
        let a = || "a".to_owned();
        for at in 0..sealed.data.len() {
            let mut changed = sealed.clone();
            changed.data[at] ^= 1;
            let expected = CodecError::NotAuthentic { key_id: a() };
            assert_eq!(refusal(&ring, changed), expected, "byte {at}");
            let mut cut = sealed.clone();
            cut.data.truncate(at);
            let expected = if at < 28 {
                CodecError::CutOff { key_id: a() }
            } else {
                CodecError::NotAuthentic { key_id: a() }
            };
            assert_eq!(refusal(&ring, cut), expected, "{at} bytes");
        }
    }

    #[test]
    fn another_key_of_the_same_id_does_not_open() {
        let sealed = ring(&[("a", 1)]).seal(&clear()).unwrap();
        let expected = CodecError::NotAuthentic {
            key_id: "a".to_owned(),
        };
        assert_eq!(refusal(&ring(&[("a", 2)]), sealed), expected);
    }

    #[test]
    fn a_key_id_of_somebody_else_is_cut_and_escaped() {
        let ring = ring(&[("a", 1)]);
        let mut sealed = ring.seal(&clear()).unwrap();
        sealed.metadata.remove(KEY_ID);
        assert_eq!(refusal(&ring, sealed.clone()), CodecError::NoKeyId);
        let id = [b"\x1b[2J\xff".to_vec(), vec![b'x'; 100]].concat();
        sealed.metadata.insert(KEY_ID.to_owned(), id);
        let shown = refusal(&ring, sealed).to_string();
        let expected = format!("no key `\\u{{1b}}[2J\u{fffd}{}…`", "x".repeat(35));
        assert!(shown.contains(&expected), "{shown}");
    }

    #[test]
    fn what_is_inside_has_to_be_a_payload() {
        let ring = ring(&[("a", 1)]);
        let key = ring.newest();
        let nonce = Nonce::default();
        // A field that says it is longer than all there is.
        let mut text = b"\x12\x7facme".to_vec();
        let tag = key
            .cipher
            .encrypt_inout_detached(&nonce, &[], text.as_mut_slice().into());
        let data = [&nonce[..], &text, &tag.unwrap()].concat();
        let error = ring.open_bytes(b"a", data).unwrap_err();
        let expected = CodecError::NotAPayload {
            key_id: "a".to_owned(),
        };
        assert_eq!(error, expected);
    }

    const PYTHON: &str = "000102030405060708090a0bb1b09f2e459065169a0389a33263a2d0c1a8447a99f02c6e63d643a2c9e84ec670e9f8c512ae7786692277e19965ecf378943f4a64de83ba01aedfdcd9558a8fdb89986c20e2";
}
