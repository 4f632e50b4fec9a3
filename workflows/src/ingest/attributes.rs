//! The search attributes of an ingestion: what they are to say, and which of them can be set.
//!
//! To set one that the namespace does not know fails every workflow task from then on, so the
//! worker is asked first. That goes on beside the first steps, which do not wait for it. What
//! changed within a workflow task is set by one command.
//!
//! The question is no local activity, which would be cheaper by a workflow task: the SDK warns
//! that it drops those of a worker that caches no workflow, and one that is under way when its
//! run is evicted makes it panic in a debug build.

use std::{collections::BTreeMap, time::Duration};

use aep_flow_proto::{
    names::SearchAttribute,
    v1::{self, FindSearchAttributesInput, FindSearchAttributesResult},
};
use temporalio_common::search_attributes::{SearchAttributeKey, SearchAttributeUpdate};

use super::{
    IngestContext, Ingestion, Kind,
    run_activity::{self, Patience},
};
use crate::activities::Declared;

/// Marks the histories that ask at their start and say all. Those without it ask when a person
/// is needed, and say only that.
const FROM_THE_START: &str = "search-attributes-from-the-start";

/// How long to ask which search attributes there are. Without an answer it goes on as well.
const ASK: Patience = Patience {
    deadline: Duration::from_secs(20),
    attempts: 3,
};

/// What a search attribute says.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Keyword(String),
    Bool(bool),
}

/// What the workflow knows of the namespace's search attributes, and what it set.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    is_asked: bool,
    is_from_the_start: bool,
    usable: Vec<SearchAttribute>,
    reported: BTreeMap<SearchAttribute, Value>,
    sandbox: String,
    /// Why nobody can list the ingestions that wait for a person, and what to do about it.
    hint: Option<String>,
}

impl Attributes {
    pub(super) fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Takes all that the run before this one may have said for outdated.
    pub(super) fn invalidate(&mut self) {
        for attribute in [SearchAttribute::LastFailure, SearchAttribute::NeedsDecision] {
            // Nothing is ever to say that.
            self.reported
                .insert(attribute, Value::Keyword(String::new()));
        }
    }

    /// Takes up the worker's answer, or that there was none.
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

    /// What is to be said by now and was not yet; nothing for one that is to say nothing.
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
                    // Nothing before it was needed once.
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

/// Asks, once, whether it can be said that a person is needed, where that was not asked at the
/// start.
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

/// Lets the search attributes say whether a person is needed, in a history that says only that.
pub(super) fn report_decisions<K: Kind>(ctx: &IngestContext<K>) {
    if !ctx.state(|this| this.attributes.is_from_the_start) {
        report(ctx);
    }
}

/// Lets the search attributes say all that changed, in a history that says all.
pub(super) fn report_all<K: Kind>(ctx: &IngestContext<K>) {
    if ctx.state(|this| this.attributes.is_from_the_start) {
        report(ctx);
    }
}

/// Lets the search attributes say what is true by now, by one command at most.
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
        // What the SDK sends to unset one has no encoding, and the server refuses it. A list of
        // nothing is the other way that the server knows.
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
