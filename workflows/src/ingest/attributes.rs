//! The search attributes of an ingestion: their values, and which of them can be set.
//!
//! Setting one that the namespace does not know fails every workflow task from then on, so the
//! workflow asks the worker first. The first steps run at the same time and do not wait. One
//! command sets all that changed within a workflow task.
//!
//! A local activity would save a workflow task. But the SDK warns that it drops the local
//! activities of a worker without a workflow cache, and in a debug build one that runs when its
//! workflow is evicted makes the SDK panic.

use std::{collections::BTreeMap, time::Duration};

use aep_flow_proto::{
    names::SearchAttribute,
    v1::{self, FindSearchAttributesInput, FindSearchAttributesResult},
};
use temporalio_common::search_attributes::{SearchAttributeKey, SearchAttributeUpdate};

use super::{IngestContext, Ingestion, Kind, run_activity};
use crate::{
    activities::Declared,
    patience::{LONGEST_PAUSE, Patience},
};

/// Marks the histories that ask at their start and set all attributes. Those without it ask when
/// a person is needed, and set only that attribute.
const FROM_THE_START: &str = "search-attributes-from-the-start";

/// How long to ask for the known search attributes. Without a result, the ingestion continues.
const ASK: Patience = Patience {
    deadline: Duration::from_secs(20),
    attempts: 3,
    longest_pause: LONGEST_PAUSE,
};

/// The value of a search attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Keyword(String),
    Bool(bool),
}

/// The search attributes that can be set, and those that are set.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    is_asked: bool,
    is_from_the_start: bool,
    usable: Vec<SearchAttribute>,
    reported: BTreeMap<SearchAttribute, Value>,
    sandbox: String,
    /// Why ingestions that wait for a person cannot be listed, and what to do about it.
    hint: Option<String>,
}

impl Attributes {
    pub(super) fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Marks the attributes that the previous run may have set as outdated.
    pub(super) fn invalidate(&mut self) {
        for attribute in [SearchAttribute::LastFailure, SearchAttribute::NeedsDecision] {
            // No attribute ever gets this value, so the next report replaces it.
            self.reported
                .insert(attribute, Value::Keyword(String::new()));
        }
    }

    /// Records the worker's result, or that there was none.
    fn record_found(&mut self, found: Option<FindSearchAttributesResult>, namespace: &str) {
        let needs_decision = SearchAttribute::NeedsDecision;
        let value_type = needs_decision.value_type();
        let why_not = match &found {
            None => Some("can't be asked about".to_owned()),
            Some(found) => problem(&found.attributes, needs_decision),
        };
        self.hint = why_not.map(|why_not| {
            format!(
                "The search attribute {needs_decision} {why_not} in the namespace {namespace}, so \
                 a list of workflows can't show which of them wait for a person. This registers \
                 it, for workflows that start from then on:\n\n    temporal operator \
                 search-attribute create --namespace {namespace} --name {needs_decision} --type \
                 {value_type}\n"
            )
        });
        let found = found.unwrap_or_default();
        self.usable = SearchAttribute::ALL
            .into_iter()
            .filter(|&attribute| problem(&found.attributes, attribute).is_none())
            .collect();
        if self.sandbox.is_empty() {
            self.sandbox = found.default_sandbox;
        }
    }

    /// The attributes whose value has changed; none as a value means to unset it.
    fn changes<K: Kind>(&self, ingest: &Ingestion<K>) -> Vec<(SearchAttribute, Option<Value>)> {
        let keyword = |text: &str| (!text.is_empty()).then(|| Value::Keyword(text.to_owned()));
        let is_decision_needed = !ingest.decisions.is_empty();
        self.usable
            .iter()
            .filter_map(|&attribute| {
                let reported = self.reported.get(&attribute);
                let wanted = match attribute {
                    SearchAttribute::Sandbox => keyword(&self.sandbox),
                    SearchAttribute::Source => keyword(&ingest.source),
                    SearchAttribute::Phase => keyword(ingest.phase()),
                    SearchAttribute::ConnectionId => keyword(&ingest.status.base_connection_id),
                    SearchAttribute::LastFailure => {
                        keyword(ingest.attempts.last_failure().unwrap_or_default())
                    }
                    // Not set before the first decision.
                    SearchAttribute::NeedsDecision => (is_decision_needed || reported.is_some())
                        .then_some(Value::Bool(is_decision_needed)),
                    SearchAttribute::Deprecated => {
                        ingest.is_deprecated.then_some(Value::Bool(true))
                    }
                };
                (wanted.as_ref() != reported).then_some((attribute, wanted))
            })
            .collect()
    }
}

fn problem(found: &[v1::SearchAttribute], attribute: SearchAttribute) -> Option<String> {
    let wanted = attribute.value_type().as_str();
    match found.iter().find(|each| each.name == attribute.as_str()) {
        Some(known) if known.r#type == wanted => None,
        Some(known) => Some(format!("is of the type {}, not {wanted}", known.r#type)),
        None => Some("is not registered".to_owned()),
    }
}

/// Asks which search attributes can be set, at the start of an ingestion into `sandbox`.
pub(super) async fn ask_at_the_start<K: Kind>(ctx: &IngestContext<K>, sandbox: &str) {
    if !ctx.patched(FROM_THE_START) {
        return;
    }
    ctx.state_mut(|this| {
        this.attributes.is_asked = true;
        this.attributes.is_from_the_start = true;
        this.attributes.sandbox = sandbox.to_owned();
    });
    ask_about(ctx, &SearchAttribute::ALL).await;
}

/// Asks once whether `AepNeedsDecision` can be set, in a history that did not ask at its start.
pub(super) async fn ask<K: Kind>(ctx: &IngestContext<K>) {
    let is_asked = ctx.state(|this| this.attributes.is_asked);
    if !is_asked {
        ctx.state_mut(|this| this.attributes.is_asked = true);
        ask_about(ctx, &[SearchAttribute::NeedsDecision]).await;
    }
}

async fn ask_about<K: Kind>(ctx: &IngestContext<K>, attributes: &[SearchAttribute]) {
    let input = FindSearchAttributesInput {
        names: attributes.iter().map(ToString::to_string).collect(),
    };
    let activity = Declared::find_search_attributes;
    let found = run_activity::check(ctx, "", activity, input, ASK, "search attributes").await;
    let namespace = ctx.namespace().to_owned();
    ctx.state_mut(|this| this.attributes.record_found(found.ok(), &namespace));
}

/// Reports whether a person is needed, in a history that sets only that attribute.
pub(super) fn report_decisions<K: Kind>(ctx: &IngestContext<K>) {
    if !ctx.state(|this| this.attributes.is_from_the_start) {
        report(ctx);
    }
}

/// Reports all that changed, in a history that sets all attributes.
pub(super) fn report_all<K: Kind>(ctx: &IngestContext<K>) {
    if ctx.state(|this| this.attributes.is_from_the_start) {
        report(ctx);
    }
}

/// Sets the search attributes that changed, by one command at most.
fn report<K: Kind>(ctx: &IngestContext<K>) {
    let changes = ctx.state(|this| this.attributes.changes(this));
    if changes.is_empty() {
        return;
    }
    ctx.upsert_search_attributes(
        changes
            .iter()
            .map(|(attribute, value)| update(*attribute, value.as_ref())),
    );
    ctx.state_mut(|this| {
        for (attribute, value) in changes {
            match value {
                Some(value) => this.attributes.reported.insert(attribute, value),
                None => this.attributes.reported.remove(&attribute),
            };
        }
    });
}

fn update(attribute: SearchAttribute, value: Option<&Value>) -> SearchAttributeUpdate {
    let name = attribute.as_str();
    match value {
        Some(Value::Bool(value)) => SearchAttributeKey::bool(name).value_set(*value),
        Some(Value::Keyword(value)) => SearchAttributeKey::keyword(name).value_set(value.clone()),
        // The server refuses what the SDK sends to unset one, because it has no encoding. An
        // empty list unsets it, too.
        None => SearchAttributeKey::keyword_list(name).value_set(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(attributes: &[(&str, &str)]) -> Option<FindSearchAttributesResult> {
        let attributes = attributes.iter().map(|(name, kind)| v1::SearchAttribute {
            name: (*name).to_owned(),
            r#type: (*kind).to_owned(),
        });
        Some(FindSearchAttributesResult {
            attributes: attributes.collect(),
            default_sandbox: "prod".to_owned(),
        })
    }

    #[test]
    fn only_what_is_registered_as_we_need_it_is_used() {
        let mut attributes = Attributes::default();
        attributes.record_found(
            found(&[
                ("AepPhase", "Text"),
                ("AepSandbox", "Keyword"),
                ("X", "Bool"),
            ]),
            "ns",
        );
        assert_eq!(attributes.usable, [SearchAttribute::Sandbox]);
        assert_eq!(attributes.sandbox, "prod");
        let hint = attributes.hint().unwrap();
        assert!(
            hint.contains("AepNeedsDecision is not registered"),
            "{hint}"
        );

        attributes.record_found(found(&[("AepNeedsDecision", "Bool")]), "ns");
        assert_eq!(attributes.hint(), None);
    }

    #[test]
    fn without_an_answer_none_is_used() {
        let mut attributes = Attributes {
            sandbox: "dev".to_owned(),
            ..Attributes::default()
        };
        attributes.record_found(None, "ns");
        assert!(attributes.usable.is_empty(), "{attributes:?}");
        attributes.record_found(found(&[]), "ns");
        assert_eq!(attributes.sandbox, "dev");
    }
}
