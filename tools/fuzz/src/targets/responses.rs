//! Responses that are a success, whoever wrote them.

use aep_platform::fuzzing::{self, Reading};

use crate::oracle::{CANARY, assert_fit, assert_quiet};

pub(super) fn check(family: &str, input: &[u8]) {
    let mut shapes = Vec::new();
    for reading in fuzzing::read(family, input, CANARY) {
        match reading {
            // The error can say why a response can't be read without repeating anything from it.
            Reading::Unreadable(error) => assert_fit(&error, !names_the_secret_in_its_head(input)),
            Reading::Read { shown, ids } => {
                if family == "token" {
                    assert_quiet(&shown);
                }
                for (id, target) in ids {
                    assert_stays_in_place(&id, &target);
                }
                shapes.push(shown);
            }
        }
    }
    // The same response gives the same when it is read again.
    let again =
        fuzzing::read(family, input, CANARY)
            .into_iter()
            .filter_map(|reading| match reading {
                Reading::Read { shown, .. } => Some(shown),
                Reading::Unreadable(_) => None,
            });
    assert!(again.eq(shapes), "read twice, read differently");
    let _ = fuzzing::date(input);
}

/// Errors show a content type and a request id, so a secret in one of these is no fault.
fn names_the_secret_in_its_head(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    let head = text.split("\n\n").next().unwrap_or_default();
    text.starts_with("HTTP/1.1 ") && head.to_lowercase().contains(&CANARY.to_lowercase())
}

/// An id from a response becomes part of the next request's path: it must stay one step of it.
fn assert_stays_in_place(id: &str, target: &str) {
    let step = target
        .strip_prefix("/data/foundation/flowservice/flows/")
        .unwrap_or_else(|| panic!("an id moved the request to `{target}`"));
    assert!(
        !step.contains(['/', '\\', '?', '#']),
        "an id left its step: `{step}`"
    );
    let url = url::Url::parse(&format!("https://{}{target}", fuzzing::HOST));
    let path = url.as_ref().map(url::Url::path).unwrap_or_default();
    assert_eq!(
        path,
        target,
        "the address normalises the id `{}`",
        id.escape_debug()
    );
}
