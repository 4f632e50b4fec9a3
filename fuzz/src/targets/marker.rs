//! Descriptions that anybody can write: ours, somebody else's that looks like ours, one of a
//! version to come, one that the platform cut off.

use aep_flow_ensure::{Intent, Marker, ResourceKind};

/// How a marker of any version begins.
const ANY: &str = "[aep-flow:v";

pub(super) fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let ours = Intent::new(ResourceKind::Flow, &["org", "prod"], "osc")
        .field("host", "acme.custhelp.com")
        .secret_field("password", b"hunter2", Some(b"a worker's key"))
        .by(&["workflow", "run", "1"]);

    // Whatever a person wrote in front of it, ours is found whole.
    let described = ours.described(&text);
    assert_eq!(Marker::find(&described).as_ref(), Some(ours.marker()));
    // And not when its end is missing.
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
        // Only the last marker of all speaks: one behind it, of a version that is not known
        // or cut off, knows better than it.
        let last = text.rfind(ANY).expect("there is one");
        assert!(
            text[last..].starts_with(&written),
            "an older marker was believed"
        );
        assert!(is_hash(found.key(), 16), "a key that is none of ours");
        // Nobody gets our key without having had it.
        let has_ours = found.has_key_of(ours.marker());
        assert_eq!(has_ours, written.contains(ours.marker().key()));
        assert!(Marker::of_key(found.key()).is_some_and(|of_key| of_key.has_key_of(&found)));
    }

    let stripped = Marker::strip(&text);
    assert!(Marker::find(&stripped).is_none(), "a marker was left");
    assert_eq!(Marker::strip(&stripped), stripped, "stripped twice");
    // Nothing but whole markers went: each of them has at least its opening, key and end.
    let gone = text.trim().len() - stripped.len();
    assert!(gone == 0 || gone >= "[aep-flow:v1 k=0123456789abcdef]".len());
    if !text.contains("[aep-flow:v1 k=") {
        assert_eq!(stripped, text.trim(), "somebody's words are gone");
    }
    // What was ours goes, what a person wrote stays.
    assert_eq!(Marker::strip(&described), stripped, "ours and theirs");
}

fn is_hash(text: &str, digits: usize) -> bool {
    text.len() == digits
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
