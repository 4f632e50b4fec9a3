//! Descriptions that anybody can write: ours, somebody else's that looks like ours, one of a later
//! version, one that the platform cut off.

use aep_flow_ensure::{Intent, Marker, ResourceKind};

/// How a marker of any version begins.
const ANY: &str = "[aep-flow:v";

pub(super) fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let ours = Intent::new(ResourceKind::Flow, &["org", "prod"], "osc")
        .field("host", "acme.custhelp.com")
        .secret_field("password", b"hunter2", Some(b"a worker's key"))
        .by(&["workflow", "run", "1"]);

    // Our marker is found whole, whatever a person wrote in front of it.
    let described = ours.described(&text);
    assert_eq!(Marker::find(&described).as_ref(), Some(ours.marker()));
    // It is not found if its end is missing.
    let cut = &described[..described.len() - 1];
    assert_ne!(
        Marker::find(cut).as_ref(),
        Some(ours.marker()),
        "half a marker"
    );

    if let Some(found) = Marker::find(&text) {
        let written = found.to_string();
        assert!(text.contains(&written), "a marker that nobody wrote");
        assert_eq!(Marker::find(&written), Some(found.clone()), "round trip");
        // Only the last marker counts: one behind it, of an unknown version or cut off, is newer.
        let last = text.rfind(ANY).expect("there is one");
        assert!(
            text[last..].starts_with(&written),
            "an older marker was believed"
        );
        assert!(is_hash(found.key(), 16), "a key that is none of ours");
        // No marker has our key unless somebody wrote it there.
        let has_ours = found.has_key_of(ours.marker());
        assert_eq!(has_ours, written.contains(ours.marker().key()));
        assert!(Marker::of_key(found.key()).is_some_and(|of_key| of_key.has_key_of(&found)));
    }

    let stripped = Marker::strip(&text);
    assert!(Marker::find(&stripped).is_none(), "a marker was left");
    assert_eq!(Marker::strip(&stripped), stripped, "stripped twice");
    // Only whole markers were removed: each has at least its opening, key and end.
    let gone = text.trim().len() - stripped.len();
    assert!(gone == 0 || gone >= "[aep-flow:v1 k=0123456789abcdef]".len());
    if !text.contains("[aep-flow:v1 k=") {
        assert_eq!(stripped, text.trim(), "somebody's words are gone");
    }
    // Our marker is removed, and a person's words stay.
    assert_eq!(Marker::strip(&described), stripped, "ours and theirs");
}

fn is_hash(text: &str, digits: usize) -> bool {
    text.len() == digits
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
