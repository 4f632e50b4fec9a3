//! The decisions that people must take about steps whose outcome is unknown: which are open,
//! how they were resolved, and the commands that resolve them.

use std::collections::{BTreeMap, BTreeSet};

use aep_flow_proto::{
    names::FailureType,
    v1::{FailureDetails, OpenDecision, ResolveInput, ResolveResult},
};
use temporalio_common::error::ApplicationFailure;

use crate::failure;

/// Most decisions that an error lists; the rest is counted.
const MAX_LISTED: usize = 10;

/// Longest id that is accepted. The platform's longest are those of schemas, which are URLs.
const MAX_ID_CHARS: usize = 300;

/// The two ways out of a decision, as commands for a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commands {
    /// Adopts an existing resource. `ID` is a placeholder, unless only one candidate exists.
    pub adopt: String,
    /// Searches, and creates the resource if it does not exist.
    pub retry: String,
}

impl Commands {
    /// The commands for `decision`, which is one of `open` in the workflow `workflow_id`.
    pub fn of(workflow_id: &str, decision: &OpenDecision, open: usize) -> Self {
        let mut which = String::new();
        if open > 1 {
            if !decision.table.is_empty() {
                which.push_str(&format!(" --table {}", shell_quoted(&decision.table)));
            }
            which.push_str(&format!(" --step {}", shell_quoted(&decision.step)));
        }
        let resolve = format!("aep-flow resolve {}", shell_quoted(workflow_id));
        let id = match decision.candidates.as_slice() {
            [only] => shell_quoted(&only.id),
            _ => "ID".to_owned(),
        };
        Self {
            adopt: format!("{resolve} --adopt {id}{which}"),
            retry: format!("{resolve} --retry{which}"),
        }
    }
}

/// A text as a shell takes it.
pub fn shell_quoted(text: &str) -> String {
    let is_plain = text
        .chars()
        .all(|each| each.is_ascii_alphanumeric() || "-_./:%@+=".contains(each));
    if is_plain && !text.is_empty() {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// What is unknown about a step, in one sentence.
pub fn sentence(decision: &OpenDecision) -> String {
    let whose = if decision.table.is_empty() {
        String::new()
    } else {
        format!(" for the table {}", decision.table)
    };
    format!(
        "{}{whose}: it is unknown since {3} whether the {1} `{2}` was created",
        decision.step, decision.kind, decision.name, decision.since
    )
}

/// Why an update fails. The typed failure is its cause, because the SDK drops the type of an
/// application failure that a handler returns directly.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ResolveError(#[source] pub(crate) ApplicationFailure);

impl ResolveError {
    fn new(kind: FailureType, message: impl Into<String>, next_step: &str) -> Self {
        let details = FailureDetails {
            next_step: next_step.to_owned(),
            ..FailureDetails::default()
        };
        Self(failure::typed(kind, message.into(), details))
    }

    fn field(field: &str, found: &str, expected: &str) -> Self {
        Self(failure::invalid(vec![aep_flow_proto::v1::Violation {
            field: field.to_owned(),
            found: found.to_owned(),
            expected: expected.to_owned(),
        }]))
    }

    /// The step has ended in another way.
    pub(crate) fn over() -> Self {
        Self::new(
            FailureType::NotFound,
            "the step ended before the decision was carried out",
            "see how the ingestion is doing: `aep-flow status`",
        )
    }
}

/// What a person decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resolution {
    /// Adopt the resource of this id as the step's result.
    Adopt(String),
    /// Search, and create the resource if it does not exist.
    Retry,
}

/// Identifies a decision: no two open ones have the same table and step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DecisionKey {
    table: String,
    step: String,
}

impl DecisionKey {
    pub(crate) fn of(decision: &OpenDecision) -> Self {
        Self {
            table: decision.table.clone(),
            step: decision.step.clone(),
        }
    }
}

/// Identifies an update, which waits for its result.
pub(crate) type Ticket = u32;

#[derive(Debug)]
struct PendingDecision {
    decision: OpenDecision,
    /// The resolution that the step has not taken yet.
    resolution: Option<(Resolution, Ticket)>,
    /// Whether an id is being checked.
    is_being_checked: bool,
}

/// The open decisions of an ingestion, and the results that no update has taken yet.
#[derive(Debug, Default)]
pub(crate) struct Decisions {
    open: Vec<PendingDecision>,
    results: BTreeMap<Ticket, Result<(), ApplicationFailure>>,
    tickets: Ticket,
}

impl Decisions {
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// The open ones, in the order in which they were opened.
    pub(crate) fn list(&self) -> impl Iterator<Item = &OpenDecision> {
        self.open.iter().map(|waiting| &waiting.decision)
    }

    /// The tables that wait.
    pub(crate) fn tables(&self) -> BTreeSet<&str> {
        self.list()
            .map(|decision| decision.table.as_str())
            .filter(|table| !table.is_empty())
            .collect()
    }

    /// Whether every resolution has been carried out.
    pub(crate) fn is_quiet(&self) -> bool {
        self.open
            .iter()
            .all(|waiting| waiting.resolution.is_none() && !waiting.is_being_checked)
    }

    pub(crate) fn open(&mut self, decision: OpenDecision) -> DecisionKey {
        let key = DecisionKey::of(&decision);
        self.open.push(PendingDecision {
            decision,
            resolution: None,
            is_being_checked: false,
        });
        key
    }

    /// Closes all decisions of one table.
    pub(crate) fn close_table(&mut self, table: &str) {
        let keys: Vec<DecisionKey> = self.open.iter().map(PendingDecision::key).collect();
        for key in keys.iter().filter(|key| key.table == table) {
            self.close(key);
        }
    }

    /// Closes a decision. An update whose resolution was not carried out fails.
    pub(crate) fn close(&mut self, key: &DecisionKey) {
        let closed = self.find(key).and_then(|waiting| waiting.resolution.take());
        self.open.retain(|waiting| !waiting.is(key));
        if let Some((Resolution::Adopt(_), ticket)) = closed {
            self.results.insert(ticket, Err(ResolveError::over().0));
        }
    }

    /// The decision that `input` is about, and how it resolves it, if that can be carried out.
    pub(crate) fn check(
        &self,
        input: &ResolveInput,
    ) -> Result<(DecisionKey, Resolution), ResolveError> {
        let resolution = resolution(input)?;
        if self.open.is_empty() {
            return Err(ResolveError::new(
                FailureType::NotFound,
                "no decision is open in this ingestion",
                "see how it is doing: `aep-flow status`",
            ));
        }
        let fitting: Vec<&PendingDecision> = self
            .open
            .iter()
            .filter(|waiting| waiting.fits(input))
            .collect();
        match fitting.as_slice() {
            [] => Err(ResolveError::new(
                FailureType::NotFound,
                format!(
                    "no such decision is open; open are: {}",
                    list(self.open.iter())
                ),
                "name one that is open, by its table and step",
            )),
            [only] if only.resolution.is_some() || only.is_being_checked => Err(ResolveError::new(
                FailureType::Conflict,
                "another decision about this step is being carried out",
                "see how the ingestion is doing: `aep-flow status`",
            )),
            [only] => Ok((only.key(), resolution)),
            several => Err(ResolveError::new(
                FailureType::InvalidInput,
                format!(
                    "several decisions are open, name one: {}",
                    list(several.iter().copied())
                ),
                "name one by its table and step",
            )),
        }
    }

    /// Records a resolution for the step to take.
    pub(crate) fn decide(
        &mut self,
        input: &ResolveInput,
    ) -> Result<(ResolveResult, Ticket), ResolveError> {
        let (key, resolution) = self.check(input)?;
        self.tickets += 1;
        let ticket = self.tickets;
        let (id, outcome) = match &resolution {
            Resolution::Adopt(id) => (id.clone(), "adopted"),
            Resolution::Retry => (String::new(), "retrying"),
        };
        if let Some(waiting) = self.find(&key) {
            waiting.resolution = Some((resolution, ticket));
        }
        let result = ResolveResult {
            table: key.table,
            step: key.step,
            id,
            outcome: outcome.to_owned(),
        };
        Ok((result, ticket))
    }

    /// Whether the decision is resolved by a retry.
    pub(crate) fn is_retry(&self, key: &DecisionKey) -> bool {
        let resolution = self.open.iter().find(|waiting| waiting.is(key));
        resolution
            .and_then(|waiting| waiting.resolution.as_ref())
            .is_some_and(|(resolution, _)| *resolution == Resolution::Retry)
    }

    pub(crate) fn is_decided(&self, key: &DecisionKey) -> bool {
        self.open
            .iter()
            .any(|waiting| waiting.is(key) && waiting.resolution.is_some())
    }

    /// Takes the resolution, if there is one.
    pub(crate) fn take_up(&mut self, key: &DecisionKey) -> Option<(Resolution, Ticket)> {
        let waiting = self.find(key)?;
        let resolution = waiting.resolution.take()?;
        waiting.is_being_checked = true;
        Some(resolution)
    }

    /// Records that the id was refused. The decision stays open.
    pub(crate) fn reject(&mut self, key: &DecisionKey, ticket: Ticket, why: ApplicationFailure) {
        if let Some(waiting) = self.find(key) {
            waiting.is_being_checked = false;
        }
        self.results.insert(ticket, Err(why));
    }

    /// Records that the id was accepted, and closes the decision.
    pub(crate) fn accept(&mut self, key: &DecisionKey, ticket: Ticket) {
        self.close(key);
        self.results.insert(ticket, Ok(()));
    }

    pub(crate) fn is_carried_out(&self, ticket: Ticket) -> bool {
        self.results.contains_key(&ticket)
    }

    pub(crate) fn take_result(&mut self, ticket: Ticket) -> Result<(), ResolveError> {
        match self.results.remove(&ticket) {
            Some(result) => result.map_err(ResolveError),
            None => Err(ResolveError::over()),
        }
    }

    fn find(&mut self, key: &DecisionKey) -> Option<&mut PendingDecision> {
        self.open.iter_mut().find(|waiting| waiting.is(key))
    }
}

impl PendingDecision {
    fn key(&self) -> DecisionKey {
        DecisionKey::of(&self.decision)
    }

    fn is(&self, key: &DecisionKey) -> bool {
        self.decision.table == key.table && self.decision.step == key.step
    }

    fn fits(&self, input: &ResolveInput) -> bool {
        (input.table.is_empty() || input.table == self.decision.table)
            && (input.step.is_empty() || input.step == self.decision.step)
    }
}

fn resolution(input: &ResolveInput) -> Result<Resolution, ResolveError> {
    const EXPECTED: &str =
        "either `adopt` with the id of a resource, or `retry` with true, and not both";
    match (input.adopt.as_str(), input.retry) {
        ("", false) => Err(ResolveError::field(
            "adopt",
            "nothing, and no `retry`",
            EXPECTED,
        )),
        ("", true) => Ok(Resolution::Retry),
        (_, true) => Err(ResolveError::field(
            "adopt",
            "an id, and `retry` too",
            EXPECTED,
        )),
        (id, false) if is_id(id) => Ok(Resolution::Adopt(id.to_owned())),
        // The text is not repeated, since it may be anything that was pasted.
        (_, false) => Err(ResolveError::field(
            "adopt",
            "a text that can't be an id",
            "an id as the platform shows it, without spaces or quotes",
        )),
    }
}

fn is_id(text: &str) -> bool {
    text.len() <= MAX_ID_CHARS
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|each| each.is_ascii_alphanumeric() || "-_.:/~%".contains(each))
}

fn list<'a>(waiting: impl ExactSizeIterator<Item = &'a PendingDecision>) -> String {
    let all = waiting.len();
    let shown: Vec<String> = waiting
        .take(MAX_LISTED)
        .map(|waiting| match waiting.decision.table.as_str() {
            "" => format!("the base connection (step {})", waiting.decision.step),
            table => format!("table {table}, step {}", waiting.decision.step),
        })
        .collect();
    let mut text = shown.join("; ");
    if let Some(more) = all.checked_sub(MAX_LISTED).filter(|more| *more > 0) {
        text.push_str(&format!("; and {more} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    use aep_flow_proto::v1::CreatedResource;

    use super::*;

    fn decision(table: &str, step: &str) -> OpenDecision {
        OpenDecision {
            table: table.to_owned(),
            step: step.to_owned(),
            kind: "dataflow".to_owned(),
            name: "OSC - Contacts".to_owned(),
            since: "2026-11-24T12:00:03Z".to_owned(),
            ..OpenDecision::default()
        }
    }

    fn of(open: &[(&str, &str)]) -> Decisions {
        let mut decisions = Decisions::default();
        for (table, step) in open {
            decisions.open(decision(table, step));
        }
        decisions
    }

    fn adopt(id: &str) -> ResolveInput {
        ResolveInput {
            adopt: id.to_owned(),
            ..ResolveInput::default()
        }
    }

    fn retry(table: &str, step: &str) -> ResolveInput {
        ResolveInput {
            retry: true,
            table: table.to_owned(),
            step: step.to_owned(),
            ..ResolveInput::default()
        }
    }

    fn refused(decisions: &Decisions, input: &ResolveInput) -> (String, String) {
        let ResolveError(failure) = decisions.check(input).unwrap_err();
        let kind = failure.type_name().unwrap_or_default().to_owned();
        (kind, failure.to_string())
    }

    #[test]
    fn either_an_id_or_a_retry_is_wanted() {
        let decisions = of(&[("Contacts", "CreateDataflow")]);
        let both = ResolveInput {
            retry: true,
            ..adopt("4267c2ab")
        };
        for input in [ResolveInput::default(), both] {
            let (kind, message) = refused(&decisions, &input);
            assert_eq!(kind, "InvalidInput");
            assert!(message.contains("not both"), "{message}");
        }
        assert!(decisions.check(&adopt("4267c2ab")).is_ok());
        assert!(decisions.check(&retry("", "")).is_ok());
    }

    #[test]
    fn an_id_looks_like_one_and_what_does_not_is_not_repeated() {
        let decisions = of(&[("Contacts", "CreateDataflow")]);
        let long = "a".repeat(301);
        for odd in [" ", "a b", "\"4267\"", "--retry", "4267\n", "ä", &long] {
            let (kind, message) = refused(&decisions, &adopt(odd));
            assert_eq!(kind, "InvalidInput", "{odd:?}");
            assert!(message.contains("can't be an id"), "{message}");
            assert!(odd == " " || !message.contains(odd), "{message}");
        }
        for good in [
            "4267c2ab-2104-474f-a7c2-ab2104d74f86",
            "5f8f2d0d4d3a3c194b8e2b3a",
            "https://ns.adobe.com/acme/schemas/8c2ed1b4",
        ] {
            let resolution = decisions.check(&adopt(good)).unwrap().1;
            assert_eq!(resolution, Resolution::Adopt(good.to_owned()));
        }
    }

    #[test]
    fn what_is_not_open_cannot_be_decided() {
        let (kind, message) = refused(&Decisions::default(), &retry("", ""));
        assert_eq!(kind, "NotFound");
        assert!(message.contains("no decision is open"), "{message}");

        let decisions = of(&[("Contacts", "CreateDataflow")]);
        for (table, step) in [("Accounts", ""), ("", "EnsureSchema"), ("Contacts", "x")] {
            let (kind, message) = refused(&decisions, &retry(table, step));
            assert_eq!(kind, "NotFound", "{table} {step}");
            assert!(
                message.contains("open are: table Contacts, step CreateDataflow"),
                "{message}"
            );
        }
    }

    #[test]
    fn one_of_several_must_be_named() {
        let decisions = of(&[
            ("Contacts", "CreateDataflow"),
            ("Contacts", "EnsureSchema"),
            ("Accounts", "EnsureSchema"),
        ]);
        assert_eq!(decisions.tables().len(), 2);
        for (table, step, listed) in [("", "", 3), ("Contacts", "", 2), ("", "EnsureSchema", 2)] {
            let (kind, message) = refused(&decisions, &retry(table, step));
            assert_eq!(kind, "InvalidInput", "{table} {step}");
            assert!(message.contains("name one"), "{message}");
            assert_eq!(message.matches("table ").count(), listed, "{message}");
        }
        for (table, step) in [("Accounts", ""), ("", "CreateDataflow")] {
            assert!(
                decisions.check(&retry(table, step)).is_ok(),
                "{table} {step}"
            );
        }
    }

    #[test]
    fn many_open_ones_are_counted() {
        let tables: Vec<String> = (0..13).map(|number| format!("T{number}")).collect();
        let open: Vec<(&str, &str)> = tables.iter().map(|table| (&**table, "x")).collect();
        let (_, message) = refused(&of(&open), &retry("", ""));
        assert!(message.ends_with("; and 3 more"), "{message}");
    }

    #[test]
    fn nobody_decides_what_is_just_being_carried_out() {
        let mut decisions = of(&[("Contacts", "CreateDataflow")]);
        let (result, ticket) = decisions.decide(&adopt("4267")).unwrap();
        assert_eq!((&*result.id, &*result.outcome), ("4267", "adopted"));
        assert_eq!(refused(&decisions, &retry("", "")).0, "Conflict");

        let key = decisions.open[0].key();
        let taken = decisions.take_up(&key);
        assert_eq!(taken, Some((Resolution::Adopt("4267".to_owned()), ticket)));
        assert_eq!(refused(&decisions, &retry("", "")).0, "Conflict");

        // An id that was no good leaves the decision as open as it was.
        decisions.reject(&key, ticket, ApplicationFailure::non_retryable("gone"));
        assert!(decisions.take_result(ticket).is_err());
        assert!(decisions.check(&retry("", "")).is_ok());
    }

    #[test]
    fn an_update_gets_its_result() {
        let mut decisions = of(&[("Contacts", "CreateDataflow")]);
        let key = decisions.open[0].key();
        let (_, late) = decisions.decide(&adopt("4267")).unwrap();
        decisions.close(&key);
        assert!(decisions.is_carried_out(late));
        let ResolveError(why) = decisions.take_result(late).unwrap_err();
        assert!(why.to_string().contains("ended before"), "{why}");

        let key = decisions.open(decision("Contacts", "CreateDataflow"));
        let (_, ticket) = decisions.decide(&adopt("4267")).unwrap();
        decisions.take_up(&key);
        decisions.accept(&key, ticket);
        assert!(decisions.is_empty());
        assert!(decisions.take_result(ticket).is_ok());
        assert!(!decisions.is_carried_out(ticket));
    }

    #[test]
    fn the_commands_can_be_pasted() {
        let mut open = decision("R&D", "CreateDataflow");
        let id = "ingest/prod/Oracle, EMEA's";
        assert_eq!(
            Commands::of(id, &open, 1),
            Commands {
                adopt: r"aep-flow resolve 'ingest/prod/Oracle, EMEA'\''s' --adopt ID".to_owned(),
                retry: r"aep-flow resolve 'ingest/prod/Oracle, EMEA'\''s' --retry".to_owned(),
            }
        );
        open.candidates = vec![CreatedResource {
            kind: "flow".to_owned(),
            id: "4267".to_owned(),
        }];
        assert_eq!(
            Commands::of("i", &open, 2).adopt,
            "aep-flow resolve i --adopt 4267 --table 'R&D' --step CreateDataflow"
        );
        open.table.clear();
        assert_eq!(
            Commands::of("i", &open, 2).retry,
            "aep-flow resolve i --retry --step CreateDataflow"
        );
    }

    #[test]
    fn the_sentence_names_what_is_not_known() {
        assert_eq!(
            sentence(&decision("Contacts", "CreateDataflow")),
            "CreateDataflow for the table Contacts: it is unknown since 2026-11-24T12:00:03Z \
             whether the dataflow `OSC - Contacts` was created"
        );
    }
}
