//! Encrypts the payloads of workflow histories, and decrypts them.
//!
//! The format is that of Temporal's samples, so that codecs in other languages are compatible: a
//! payload with `encoding: binary/encrypted` and `encryption-key-id`, whose data is a nonce of 12
//! bytes followed by the serialized payload under AES-256-GCM. Without a key, payloads stay as they
//! are.

mod key_ring;
mod sdk;
mod sealed;

pub use key_ring::{KeyRing, KeyRingError};
pub(crate) use sdk::{Opening, data_converter};
pub use sealed::CodecError;
