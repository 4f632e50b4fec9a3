//! What an ingestion would do, found out without a write.
//!
//! The activities of an ingestion do a dry run in its order: each looks for what it would create,
//! and notes what would become of it. What does not exist yet has an id that no resource has, so
//! that whatever was created from another one differs from it.

mod by_name;
mod table;

use aep_flow_ensure::{Planned, ResourceKind};
use aep_flow_proto::{
    names::{FailureType, activity},
    v1::{ConnectionSpec, ExploreTablesInput, Outcome, Table},
    validate::{self, SelectedTable},
};
use aep_flow_workflows::ingest;
use aep_flow_workflows::ingest_input::{ConnectionInput, ConnectionSettings, IngestInput};
use serde::Serialize;

use crate::activities::{self, ActivityFailure, Attempt, Creates, DryRun, Note, Platform};

/// What an ingestion would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// What would become of each resource, in the order of an ingestion.
    pub steps: Vec<Step>,
    /// What the caller should know, such as a source that Adobe dropped.
    pub warnings: Vec<String>,
}

/// What would become of one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The table's path; empty for the base connection. A pattern while it is not known which
    /// tables it means.
    pub table: String,
    /// Activity type. Example: `EnsureDataset`.
    pub step: &'static str,
    /// Kind in Adobe's words. Example: `dataset`.
    pub kind: &'static str,
    /// Its name, or title.
    pub name: String,
    /// What an ingestion would do.
    pub action: Action,
    /// Its id, where it exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Why.
    pub reason: String,
}

/// What an ingestion would do about a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Nothing: it exists, created by us from the same request.
    Keep,
    /// Create it.
    Create,
    /// Take what somebody else created, as it is.
    Adopt,
    /// Delete a duplicate of ours.
    Remove,
    /// End in a failure.
    Refuse,
    /// Unknown, because something before it does not exist yet.
    Unknown,
}

impl Plan {
    /// How many steps have that action.
    #[must_use]
    pub fn count(&self, action: Action) -> usize {
        let steps = self.steps.iter();
        steps.filter(|step| step.action == action).count()
    }

    /// Whether an ingestion would change something on the platform.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.steps.iter().any(|step| match step.action {
            Action::Create | Action::Remove | Action::Unknown => true,
            Action::Keep | Action::Adopt | Action::Refuse => false,
        })
    }

    /// Whether an ingestion would fail.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.count(Action::Refuse) > 0
    }
}

/// Finds out what the ingestion that `given` asks for would do.
///
/// # Errors
/// What keeps it from being found out: the platform can't be reached, the credentials are not
/// good, the sandbox is not there. That an ingestion would fail is a step of the plan.
pub async fn plan(platform: &Platform, given: &IngestInput) -> Result<Plan, ActivityFailure> {
    let Some(source) = &given.connection else {
        return Ok(Plan::default());
    };
    let mut planner = Planner {
        platform,
        connection: source.settings(),
        at: At::Connection,
        dry_run: DryRun::default(),
        plan: Plan::default(),
    };
    if let Some(base) = planner.base(source).await? {
        for meant in planner.tables(&given.tables, &base).await? {
            planner.at = At::Table(Box::new(meant.clone()));
            planner.table(&meant, &base).await?;
        }
    }
    Ok(planner.plan)
}

/// Which activity would create a resource, and of what kind.
type Making = (&'static str, ResourceKind);

/// The base connection that all tables are read through.
struct Base {
    id: String,
    spec: ConnectionSpec,
    /// Whether it does not exist yet, so that nothing can be explored through it.
    is_to_come: bool,
}

/// What is being planned.
enum At {
    /// The base connection, or which tables are meant.
    Connection,
    /// A table.
    Table(Box<SelectedTable>),
}

struct Planner<'a> {
    platform: &'a Platform,
    connection: ConnectionSettings,
    at: At,
    dry_run: DryRun,
    plan: Plan,
}

impl Planner<'_> {
    /// The dry run of the activity that takes `input`; nothing where it would fail. `name` is that
    /// of its resource, which an input that names an existing one leaves empty.
    async fn create<I: Creates>(
        &mut self,
        name: &str,
        input: I,
    ) -> Result<Option<I::Created>, ActivityFailure> {
        let attempt = Attempt::of_dry_run(self.dry_run.clone());
        let made = input.create(self.platform, &attempt).await;
        self.noted((I::ACTIVITY, I::RESOURCE), name, made)
    }

    /// The base connection; nothing if it would be refused, for then nothing follows.
    async fn base(&mut self, source: &ConnectionInput) -> Result<Option<Base>, ActivityFailure> {
        let name = self.connection.name.clone();
        let made = match source.clone() {
            ConnectionInput::OracleServiceCloud(input) => self.create(&name, input).await?,
            ConnectionInput::Any(input) => self.create(&name, input).await?,
        };
        Ok(made.map(|made| {
            let is_to_come = made.outcome() == Outcome::Created;
            self.plan.warnings.extend(made.warnings);
            Base {
                id: made.id,
                spec: made.connection_spec.unwrap_or_default(),
                is_to_come,
            }
        }))
    }

    /// The tables that the input means. Which ones a pattern means is not known before the
    /// source can be explored.
    async fn tables(
        &mut self,
        entries: &[Table],
        base: &Base,
    ) -> Result<Vec<SelectedTable>, ActivityFailure> {
        if !validate::has_pattern(entries) {
            return Ok(self.meant(entries, &[]));
        }
        if base.is_to_come {
            for pattern in entries.iter().filter(|entry| !entry.r#match.is_empty()) {
                self.plan.steps.push(Step {
                    table: pattern.r#match.clone(),
                    step: activity::EXPLORE_TABLES,
                    kind: "tables",
                    name: String::new(),
                    action: Action::Unknown,
                    id: None,
                    reason: "which tables it means is known once the base connection exists"
                        .to_owned(),
                });
            }
            return Ok(validate::named(entries));
        }
        let input = ExploreTablesInput {
            sandbox: self.connection.sandbox.clone(),
            base_connection_id: base.id.clone(),
        };
        let explored = activities::explore_tables(self.platform, input).await;
        let step = (activity::EXPLORE_TABLES, ResourceKind::BaseConnection);
        let name = self.connection.name.clone();
        let Some(explored) = self.noted(step, &name, explored)? else {
            return Ok(Vec::new());
        };
        let paths: Vec<&str> = explored
            .tables
            .iter()
            .map(|table| table.path.as_str())
            .collect();
        Ok(self.meant(entries, &paths))
    }

    fn meant(&mut self, entries: &[Table], paths: &[&str]) -> Vec<SelectedTable> {
        match validate::select_tables(entries, paths) {
            Ok(meant) => meant,
            Err(violations) => {
                let step = (activity::EXPLORE_TABLES, ResourceKind::BaseConnection);
                let name = self.connection.name.clone();
                self.refuse(step, &name, ActivityFailure::invalid(violations));
                Vec::new()
            }
        }
    }

    /// Takes up what an activity came to, as steps of the plan; nothing where it would fail.
    fn noted<O>(
        &mut self,
        making: Making,
        name: &str,
        made: Result<O, ActivityFailure>,
    ) -> Result<Option<O>, ActivityFailure> {
        for note in self.dry_run.take() {
            self.plan
                .steps
                .extend(steps(self.table_path(), making.0, &note));
        }
        match made {
            Ok(made) => Ok(Some(made)),
            Err(failed) if is_about_the_input(failed.kind()) => {
                self.refuse(making, name, failed);
                Ok(None)
            }
            Err(failed) => Err(failed),
        }
    }

    /// Notes that an ingestion would fail, in the words of the input.
    fn refuse(&mut self, (step, kind): Making, name: &str, failed: ActivityFailure) {
        let failed = match &self.at {
            // What was found out about the tables names them already.
            At::Connection if step == activity::EXPLORE_TABLES => failed,
            At::Connection => failed.renamed(|field| Some(format!("connection.{field}"))),
            At::Table(meant) => {
                failed.renamed(|field| ingest::as_written(field, meant.place, &meant.table))
            }
        };
        self.plan.steps.push(Step {
            table: self.table_path().to_owned(),
            step,
            kind: kind.as_str(),
            name: name.to_owned(),
            action: Action::Refuse,
            id: None,
            reason: format!("{}: {}", failed.kind(), failed.message()),
        });
    }

    /// Empty for the connection.
    fn table_path(&self) -> &str {
        match &self.at {
            At::Connection => "",
            At::Table(meant) => &meant.table.table,
        }
    }
}

/// Whether a failure is one that an ingestion would end with as well, and not a reason why that
/// could not be found out.
fn is_about_the_input(kind: FailureType) -> bool {
    match kind {
        FailureType::InvalidInput
        | FailureType::SourceRejectedCredentials
        | FailureType::Conflict
        | FailureType::IdempotencyMismatch
        | FailureType::OutcomeUnknown
        | FailureType::NotFound
        | FailureType::PlatformRejected
        | FailureType::Other(_) => true,
        FailureType::Unauthenticated
        | FailureType::PermissionDenied
        | FailureType::SandboxNotFound
        | FailureType::RateLimited
        | FailureType::Unavailable => false,
    }
}

/// Reason of [`Action::Create`].
const IS_FREE: &str = "nothing of that name exists";

/// Reason of [`Action::Adopt`].
const IS_SOMEBODYS: &str = "somebody else created it, and the input takes any";

fn steps(table: &str, step: &'static str, note: &Note) -> Vec<Step> {
    let of = |action, id, reason: &str| Step {
        table: table.to_owned(),
        step,
        kind: note.kind.as_str(),
        name: note.name.clone(),
        action,
        id,
        reason: reason.to_owned(),
    };
    match &note.planned {
        Planned::Create => vec![of(Action::Create, None, IS_FREE)],
        Planned::Adopt {
            ensured,
            is_ours,
            duplicates,
        } => {
            let id = Some(ensured.id.clone());
            let existing = if *is_ours {
                of(
                    Action::Keep,
                    id,
                    "it is ours, created from the same request",
                )
            } else {
                of(Action::Adopt, id, IS_SOMEBODYS)
            };
            let duplicates = duplicates.iter().map(|id| {
                let reason = "a duplicate of ours: it is deleted, unless something uses it";
                of(Action::Remove, Some(id.clone()), reason)
            });
            std::iter::once(existing).chain(duplicates).collect()
        }
    }
}
