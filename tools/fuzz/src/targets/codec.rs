//! A payload that claims to be encrypted: its key's id in the first line, then the data.
//!
//! If its data begins with `#seal `, the target encrypts it first, so that the content is read too.

use std::collections::HashMap;

use aep_flow::codec::KeyRing;
use temporalio_common::protos::temporal::api::common::v1::Payload;

const KEYS: &str = "new=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=,\
                    old=ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";

pub(super) fn check(input: &[u8]) {
    let cut = input.iter().position(|byte| *byte == b'\n');
    let (id, data) = match cut {
        Some(at) => (&input[..at], &input[at + 1..]),
        None => (input, &[][..]),
    };
    let keys = KeyRing::parse(KEYS).expect("two keys");
    let payload = match data.strip_prefix(b"#seal ") {
        Some(inner) => {
            let plain = Payload {
                metadata: HashMap::from([("encoding".to_owned(), id.to_vec())]),
                data: inner.to_vec(),
                external_payloads: Vec::new(),
            };
            let mut sealed = keys.seal(&plain).expect("any payload can be sealed");
            assert!(
                keys.open(sealed.clone())
                    .is_ok_and(|opened| opened == plain),
                "what is sealed is read as it was"
            );
            // One bit of it is changed, at a place that the input chooses.
            let at = inner.first().map_or(0, |byte| usize::from(*byte)) % sealed.data.len();
            sealed.data[at] ^= 1;
            assert!(
                keys.open(sealed.clone()).is_err(),
                "a changed one is refused"
            );
            sealed
        }
        None => Payload {
            metadata: HashMap::from([
                ("encoding".to_owned(), b"binary/encrypted".to_vec()),
                ("encryption-key-id".to_owned(), id.to_vec()),
            ]),
            data: data.to_vec(),
            external_payloads: Vec::new(),
        },
    };
    let error = keys
        .open(payload)
        .expect_err("nobody made it with our keys");
    let shown = format!("{error} {error:?}");
    assert!(shown.len() < 1000, "{} bytes of an error", shown.len());
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
}
