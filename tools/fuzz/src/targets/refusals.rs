//! Responses that are errors: what they say of a request's effect, and which of their words are
//! kept.

use std::time::Duration;

use aep_platform::{Operation, RequestEffect, fuzzing};

use crate::oracle::{CANARY, assert_fit};

/// Statuses after which a write may have taken effect.
fn is_open(status: u16) -> bool {
    matches!(status, 303 | 408 | 499 | 500..)
}

pub(super) fn check(input: &[u8]) {
    let refused = fuzzing::refused(input, CANARY);
    // The response may repeat the request's secret anywhere.
    let shown = [&refused.refusal.title, &refused.refusal.detail];
    for text in shown.into_iter().flatten() {
        assert_fit(text, true);
        assert!(
            text.len() <= 512,
            "{} bytes of somebody's words",
            text.len()
        );
    }
    assert_fit(&refused.shown, true);
    let longest = Duration::from_secs(3600);
    assert!(
        refused
            .refusal
            .retry_after
            .is_none_or(|wait| wait <= longest)
    );
    for (operation, effect) in refused.effects {
        let status = refused.refusal.status;
        let decided = effect == RequestEffect::Refused;
        if operation != Operation::Read && is_open(status) && !refused.is_documented {
            // Otherwise a body that anybody can write would make us create a duplicate.
            assert!(!decided, "HTTP {status} taken for a refusal");
        }
        assert!(
            operation != Operation::Read || decided,
            "a read left something open"
        );
    }
    let _ = fuzzing::date(input);
}
