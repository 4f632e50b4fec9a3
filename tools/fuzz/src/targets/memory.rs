//! What an earlier attempt left in its heartbeat. Anybody with access to the namespace can write
//! one.

use aep_flow_ensure::{Memory, Past, Pasts, ResourceKind};
use jiff::Timestamp;

pub(super) fn check(input: &[u8]) {
    let Ok(memory) = serde_json::from_slice::<Memory>(input) else {
        return;
    };
    let written = serde_json::to_vec(&memory).expect("it was read from JSON");
    let again: Memory = serde_json::from_slice(&written).expect("what was written");
    assert_eq!(again, memory, "round trip");
    let left: serde_json::Value = serde_json::from_slice(&written).expect("what was written");
    let left = left["attempt"].as_u64().expect("a number");
    for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
        for attempt in [0, 1, 2, 3, 4, u32::MAX] {
            let pasts = Pasts::of(Some(&memory), attempt, attempt <= 1, now);
            for kind in [ResourceKind::Flow, ResourceKind::Schema] {
                let past = pasts.of_kind(kind);
                // Otherwise a create whose response was lost would be sent a second time.
                let is_predecessors = left > 0 && left + 1 == u64::from(attempt);
                assert!(
                    past != Past::Clean || is_predecessors,
                    "attempt {attempt} believed what attempt {left} left"
                );
                if let Past::Open { since, .. } | Past::Taken { since } = past {
                    assert!((Timestamp::MIN..=Timestamp::MAX).contains(&since));
                }
            }
            let carried = Memory::left_by(attempt, &pasts);
            if let Some(next) = attempt.checked_add(1).filter(|next| *next > 1) {
                let again = Pasts::of(Some(&carried), next, false, now);
                assert!(
                    again.is_open() || !pasts.is_open(),
                    "something open is forgotten"
                );
            }
        }
    }
}
