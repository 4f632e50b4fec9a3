//! The state: every resource of every sandbox, in the order of creation.
//!
//! A resource is Adobe's JSON plus data that Adobe keeps hidden. This module knows nothing of HTTP
//! or of the meaning of fields.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

/// The kinds of resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Kind {
    Connections,
    SourceConnections,
    TargetConnections,
    Flows,
    Runs,
    Fieldgroups,
    Schemas,
    Descriptors,
    DataSets,
    MappingSets,
}

impl Kind {
    /// All kinds.
    pub(crate) const ALL: [Self; 10] = [
        Self::Connections,
        Self::SourceConnections,
        Self::TargetConnections,
        Self::Flows,
        Self::Runs,
        Self::Fieldgroups,
        Self::Schemas,
        Self::Descriptors,
        Self::DataSets,
        Self::MappingSets,
    ];

    /// The name in paths.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::SourceConnections => "sourceConnections",
            Self::TargetConnections => "targetConnections",
            Self::Flows => "flows",
            Self::Runs => "runs",
            Self::Fieldgroups => "fieldgroups",
            Self::Schemas => "schemas",
            Self::Descriptors => "descriptors",
            Self::DataSets => "dataSets",
            Self::MappingSets => "mappingSets",
        }
    }
}

/// A resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entity {
    /// Its id.
    pub(crate) id: String,
    /// Its position in the order of creation, across all sandboxes and kinds.
    pub(crate) order: u64,
    /// When it was created, in ms.
    pub(crate) created_ms: i64,
    /// When it was deleted, if lists may still show it.
    #[serde(default, skip_serializing)]
    pub(crate) deleted_ms: Option<i64>,
    /// What callers see.
    pub(crate) body: Value,
    /// What callers don't see: the real values of secrets, and the plan of runs.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(crate) hidden: Map<String, Value>,
}

impl Entity {
    /// The string at a JSON pointer of the body, or an empty string.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.body
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

/// A token that was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) client_id: String,
    pub(crate) expires_ms: i64,
}

/// The whole state.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Store {
    last_order: u64,
    /// Increases with every change of a resource.
    #[serde(skip)]
    revision: u64,
    /// When the next run appears or advances, in ms; 0 means "check now".
    #[serde(skip)]
    pub(crate) wake_ms: i64,
    #[serde(serialize_with = "without_deleted")]
    sandboxes: BTreeMap<String, BTreeMap<Kind, Vec<Entity>>>,
    #[serde(default)]
    tokens: Vec<Token>,
}

impl Store {
    /// A number that differs after every change.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Adds a resource.
    pub(crate) fn insert(&mut self, sandbox: &str, kind: Kind, new: NewEntity) {
        self.last_order += 1;
        self.touch();
        let entity = Entity {
            id: new.id,
            order: self.last_order,
            created_ms: new.now_ms,
            deleted_ms: None,
            body: new.body,
            hidden: new.hidden,
        };
        let kinds = self.sandboxes.entry(sandbox.to_owned()).or_default();
        kinds.entry(kind).or_default().push(entity);
    }

    /// The resources of a kind that exist, in the order of creation.
    pub(crate) fn existing(&self, sandbox: &str, kind: Kind) -> impl Iterator<Item = &Entity> {
        self.kept(sandbox, kind)
            .iter()
            .filter(|entity| entity.deleted_ms.is_none())
    }

    /// The resources of a kind that a list may show, deleted ones too, in the order of creation.
    pub(crate) fn kept(&self, sandbox: &str, kind: Kind) -> &[Entity] {
        self.sandboxes
            .get(sandbox)
            .and_then(|kinds| kinds.get(&kind))
            .map_or(&[], Vec::as_slice)
    }

    /// The resource of this id.
    pub(crate) fn get(&self, sandbox: &str, kind: Kind, id: &str) -> Option<&Entity> {
        self.existing(sandbox, kind).find(|entity| entity.id == id)
    }

    /// The resource of this id, to change it.
    pub(crate) fn get_mut(&mut self, sandbox: &str, kind: Kind, id: &str) -> Option<&mut Entity> {
        self.touch();
        let entities = self.sandboxes.get_mut(sandbox)?.get_mut(&kind)?;
        entities
            .iter_mut()
            .find(|entity| entity.id == id && entity.deleted_ms.is_none())
    }

    /// Deletes a resource. For `keep_ms` it is kept for lists that lag, without its secrets.
    pub(crate) fn remove(
        &mut self,
        sandbox: &str,
        kind: Kind,
        id: &str,
        now_ms: i64,
        keep_ms: i64,
    ) {
        self.touch();
        let Some(entities) = self
            .sandboxes
            .get_mut(sandbox)
            .and_then(|kinds| kinds.get_mut(&kind))
        else {
            return;
        };
        for entity in entities
            .iter_mut()
            .filter(|entity| entity.id == id && entity.deleted_ms.is_none())
        {
            entity.deleted_ms = Some(now_ms);
            entity.hidden.clear();
        }
        entities.retain(|entity| {
            entity
                .deleted_ms
                .is_none_or(|deleted_ms| deleted_ms + keep_ms > now_ms)
        });
    }

    /// The names of the sandboxes that hold resources.
    pub(crate) fn sandbox_names(&self) -> Vec<String> {
        self.sandboxes.keys().cloned().collect()
    }

    /// Deletes all resources. Tokens stay.
    pub(crate) fn clear(&mut self) {
        self.touch();
        self.sandboxes.clear();
    }

    /// Stores a token, and drops those that have expired.
    pub(crate) fn keep_token(&mut self, token: Token, now_ms: i64) {
        self.revision += 1;
        self.tokens.retain(|old| old.expires_ms > now_ms);
        self.tokens.push(token);
    }

    /// The client to which a valid token was issued.
    pub(crate) fn token_client(&self, text: &str, now_ms: i64) -> Option<&str> {
        let live = |token: &&Token| token.text == text && token.expires_ms > now_ms;
        self.tokens
            .iter()
            .find(live)
            .map(|token| token.client_id.as_str())
    }

    /// The tokens that were issued and not revoked.
    pub(crate) fn tokens(&self) -> Vec<String> {
        self.tokens.iter().map(|token| token.text.clone()).collect()
    }

    /// Makes all tokens invalid.
    pub(crate) fn revoke_tokens(&mut self) {
        self.revision += 1;
        self.tokens.clear();
    }

    /// All resources as callers see them, by sandbox and kind.
    pub(crate) fn snapshot<'a>(&self, sandboxes: impl Iterator<Item = &'a str>) -> Value {
        let shown: Map<String, Value> = sandboxes
            .map(|sandbox| {
                let kinds: Map<String, Value> = Kind::ALL
                    .iter()
                    .map(|kind| {
                        let bodies = self
                            .existing(sandbox, *kind)
                            .map(|entity| entity.body.clone());
                        (kind.as_str().to_owned(), bodies.collect())
                    })
                    .collect();
                (sandbox.to_owned(), Value::Object(kinds))
            })
            .collect();
        Value::Object(shown)
    }

    fn touch(&mut self) {
        self.revision += 1;
        self.wake_ms = 0;
    }
}

/// What the file keeps. Deleted resources are left out.
fn without_deleted<S: Serializer>(
    sandboxes: &BTreeMap<String, BTreeMap<Kind, Vec<Entity>>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let kept = sandboxes.iter().map(|(name, kinds)| {
        let alive = kinds.iter().map(|(kind, entities)| {
            let alive = entities.iter().filter(|entity| entity.deleted_ms.is_none());
            (*kind, alive.collect::<Vec<_>>())
        });
        (name, alive.collect::<BTreeMap<_, _>>())
    });
    serializer.collect_map(kept)
}

/// A resource that is to be created.
#[derive(Debug)]
pub(crate) struct NewEntity {
    /// Its id.
    pub(crate) id: String,
    /// What callers see.
    pub(crate) body: Value,
    /// What callers don't see.
    pub(crate) hidden: Map<String, Value>,
    /// The time of its creation.
    pub(crate) now_ms: i64,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn store_with(ids: &[(&str, i64)]) -> Store {
        let mut store = Store::default();
        for (id, now_ms) in ids {
            let new = NewEntity {
                id: (*id).to_owned(),
                body: json!({"id": id}),
                hidden: Map::from_iter([("password".to_owned(), json!("hidden"))]),
                now_ms: *now_ms,
            };
            store.insert("prod", Kind::Connections, new);
        }
        store
    }

    #[test]
    fn a_sandbox_sees_nothing_of_another() {
        let store = store_with(&[("a", 0)]);
        assert!(store.get("prod", Kind::Connections, "a").is_some());
        assert!(store.get("dev", Kind::Connections, "a").is_none());
        assert!(store.get("prod", Kind::Flows, "a").is_none());
    }

    #[test]
    fn a_deleted_resource_is_kept_for_a_while_without_its_secrets() {
        let mut store = store_with(&[("old", 0), ("new", 900)]);
        store.remove("prod", Kind::Connections, "old", 950, 500);
        assert!(store.get("prod", Kind::Connections, "old").is_none());
        let kept = store.kept("prod", Kind::Connections);
        assert_eq!((kept.len(), kept[0].deleted_ms), (2, Some(950)));
        assert!(kept[0].hidden.is_empty());
        store.remove("prod", Kind::Connections, "new", 1450, 500);
        let kept = store.kept("prod", Kind::Connections);
        assert_eq!((kept.len(), kept[0].id.as_str()), (1, "new"));
    }

    #[test]
    fn a_snapshot_shows_nothing_hidden_and_the_file_keeps_it() {
        let store = store_with(&[("a", 0)]);
        assert!(
            !store
                .snapshot(["prod"].into_iter())
                .to_string()
                .contains("hidden")
        );
        let file = serde_json::to_string(&store).unwrap();
        let back: Store = serde_json::from_str(&file).unwrap();
        assert_eq!(
            back.get("prod", Kind::Connections, "a").unwrap().hidden["password"],
            "hidden"
        );
    }

    #[test]
    fn a_token_ends_with_its_time() {
        let mut store = Store::default();
        store.keep_token(
            Token {
                text: "t".to_owned(),
                client_id: "c".to_owned(),
                expires_ms: 100,
            },
            0,
        );
        assert_eq!(store.token_client("t", 99), Some("c"));
        assert_eq!(store.token_client("t", 100), None);
        store.revoke_tokens();
        assert_eq!(store.token_client("t", 0), None);
    }
}
