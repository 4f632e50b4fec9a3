//! Encrypts what stands in a workflow's history, and reads it again.
//!
//! The layout is the one of Temporal's samples, so that their codec in another language reads
//! ours and is read: a payload with `encoding: binary/encrypted` and `encryption-key-id`, whose
//! data is a nonce of 12 bytes and then the serialized payload under AES-256-GCM. Without a key
//! nothing of this runs, and payloads stay as they are.

mod key_ring;
mod sdk;
mod sealed;

pub use key_ring::{KeyRing, KeyRingError};
pub(crate) use sdk::{Opening, data_converter};
pub use sealed::CodecError;
