//! What must hold on the emulated platform's side.

use std::collections::BTreeMap;

use aep_emulator::Emulator;
use serde_json::Value;

/// The kinds of resource that the chain creates, and the field that is their name.
pub const KINDS: [(&str, &str); 8] = [
    ("connections", "name"),
    ("sourceConnections", "name"),
    ("targetConnections", "name"),
    ("flows", "name"),
    ("fieldgroups", "title"),
    ("schemas", "title"),
    ("dataSets", "name"),
    ("mappingSets", "name"),
];

/// Fails if two live resources of a kind have the same name: one intent was carried out twice.
pub fn assert_one_live_per_intent(emulator: &Emulator) {
    let state = emulator.state();
    let sandboxes = state["sandboxes"].as_object().unwrap();
    for (sandbox, kinds) in sandboxes {
        for (kind, name) in KINDS {
            let mut count = BTreeMap::new();
            for resource in kinds[kind].as_array().into_iter().flatten() {
                *count.entry(resource[name].to_string()).or_insert(0) += 1;
            }
            let twice: Vec<_> = count.iter().filter(|(_, count)| **count > 1).collect();
            assert!(
                twice.is_empty(),
                "several {kind} of one name in {sandbox}: {twice:?}"
            );
        }
    }
}

/// The same where two callers met: a mapping set that lost cannot be deleted, but no dataflow
/// names it.
pub fn assert_one_answer_per_intent(emulator: &Emulator) {
    let mut counted = counts(emulator);
    counted.remove("mappingSets");
    let mut expected = whole_chain(1);
    expected.remove("mappingSets");
    assert_eq!(counted, expected);
    let flow = the(emulator, "flows", "").to_string();
    let sets = emulator.resources("prod", "mappingSets");
    let named = sets
        .iter()
        .filter(|set| flow.contains(set["id"].as_str().unwrap()));
    assert_eq!(named.count(), 1, "{sets:#?}");
}

/// How many of each kind there are in `prod`, without the kinds of which there are none.
pub fn counts(emulator: &Emulator) -> BTreeMap<&'static str, usize> {
    KINDS
        .iter()
        .map(|(kind, _)| (*kind, emulator.resources("prod", kind).len()))
        .filter(|(_, count)| *count > 0)
        .collect()
}

/// The counts of a chain that went through for `tables` tables of one connection.
pub fn whole_chain(tables: usize) -> BTreeMap<&'static str, usize> {
    KINDS
        .iter()
        .map(|(kind, _)| (*kind, if *kind == "connections" { 1 } else { tables }))
        .collect()
}

/// Id and version of every resource: equal if and only if none was created, changed or deleted.
pub fn versions(emulator: &Emulator) -> Vec<String> {
    let version = |kind: &str, resource: &Value| {
        let field = |name: &str| resource[name].as_str().unwrap_or_default().to_owned();
        let version = field("etag") + &resource["version"].to_string();
        format!("{kind} {}{} {version}", field("id"), field("$id"))
    };
    KINDS
        .iter()
        .flat_map(|(kind, _)| {
            let resources = emulator.resources("prod", kind);
            resources
                .into_iter()
                .map(|resource| version(kind, &resource))
        })
        .collect()
}

/// The only resource of a kind whose name contains `part`.
pub fn the(emulator: &Emulator, kind: &str, part: &str) -> Value {
    let field = KINDS.iter().find(|(each, _)| *each == kind).unwrap().1;
    let mut found = emulator.resources("prod", kind);
    found.retain(|resource| resource[field].as_str().unwrap().contains(part));
    assert_eq!(found.len(), 1, "{kind} with {part}: {found:#?}");
    found.remove(0)
}

/// The requests that could have changed something, as method and the route's last part.
pub fn writes(emulator: &Emulator) -> Vec<String> {
    emulator
        .journal()
        .iter()
        .filter(|entry| entry.method != "GET" && !entry.route.starts_with("/ims/"))
        .map(|entry| {
            let last = entry.route.rsplit('/').next().unwrap_or_default();
            format!("{} {last}", entry.method)
        })
        .collect()
}
