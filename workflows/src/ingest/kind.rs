//! The workflows, which differ in their input and in how a base connection is made from it.
//!
//! The SDK identifies workflows by their Rust types, and its macro takes no generic type. So each
//! is an instance of [`Ingestion`], and the methods that the macro needs call the shared code.

use std::{convert::Infallible, fmt::Debug};

use aep_flow_proto::{
    names::{query, signal, update, workflow},
    v1::{
        FailedAttempt, IngestOracleServiceCloudInput, IngestResult, IngestSourceInput,
        IngestStatus, ResolveInput, ResolveResult, Violation,
    },
    validate,
};
use serde::de::DeserializeOwned;
use temporalio_macros::workflow_methods;
use temporalio_workflow::{
    ContinueAsNewOptions, SyncWorkflowContext, WorkflowContext, WorkflowContextView,
    WorkflowResult, WorkflowTermination,
};

use super::{IngestContext, Ingestion, UpdateError};
use crate::{
    failure::BadInput,
    ingest_input::{ConnectionInput, IngestInput},
    limits,
    payload::{self, Content, Message},
};

/// Which of the workflows an ingestion is.
pub trait Kind: Debug + Sized + 'static {
    /// Ends the run, and starts another of the same type with that input; nothing if the input
    /// does not fit into a payload.
    #[doc(hidden)]
    fn continue_as_new(
        ctx: &IngestContext<Self>,
        input: IngestInput,
    ) -> Option<Result<Infallible, WorkflowTermination>>;
}

macro_rules! workflow {
    (
        $(#[$doc:meta])*
        $workflow:ident = $kind:ident as $name:expr;
        $input:ident with $source:ident, checked by $check:expr
    ) => {
        $(#[$doc])*
        ///
        /// A repeated run with the same input creates nothing and returns the same ids. A failed
        /// table does not stop the others: the workflow then fails at its end, with the type of
        /// the first failed table and an `IngestFailure` that lists the tables. A step whose
        /// outcome is unknown waits for the update `resolve`. With many tables, the ingestion
        /// continues in a new run, under the same workflow id.
        pub type $workflow = Ingestion<$kind>;

        #[doc = concat!("Distinguishes [`", stringify!($workflow), "`] from the other workflows.")]
        #[derive(Debug)]
        pub enum $kind {}

        impl From<$input> for IngestInput {
            fn from(input: $input) -> Self {
                Self {
                    connection: input.connection.map(ConnectionInput::$source),
                    tables: input.tables,
                    wait_for_first_run: input.wait_for_first_run,
                    tables_at_once: input.tables_at_once,
                    step_deadline_seconds: input.step_deadline_seconds,
                    first_run_deadline_seconds: input.first_run_deadline_seconds,
                    decision_deadline_seconds: input.decision_deadline_seconds,
                    continue_after_events: input.continue_after_events,
                    continued: input.continued,
                }
            }
        }

        impl Kind for $kind {
            fn continue_as_new(
                ctx: &IngestContext<Self>,
                input: IngestInput,
            ) -> Option<Result<Infallible, WorkflowTermination>> {
                let input = $input {
                    connection: match input.connection {
                        Some(ConnectionInput::$source(connection)) => Some(connection),
                        _ => None,
                    },
                    tables: input.tables,
                    wait_for_first_run: input.wait_for_first_run,
                    tables_at_once: input.tables_at_once,
                    step_deadline_seconds: input.step_deadline_seconds,
                    first_run_deadline_seconds: input.first_run_deadline_seconds,
                    decision_deadline_seconds: input.decision_deadline_seconds,
                    continue_after_events: input.continue_after_events,
                    continued: input.continued,
                };
                if payload::json_bytes(&input) > limits::MAX_PAYLOAD_BYTES {
                    return None;
                }
                Some(ctx.continue_as_new(Message::from(input), ContinueAsNewOptions::default()))
            }
        }

        #[workflow_methods]
        impl $workflow {
            /// Takes the input. [`Self::run`] reports whether it is invalid.
            #[init]
            pub fn new(_: &WorkflowContextView, input: Message<$input>) -> Self {
                Self::from_input(checked(input, $check))
            }

            /// The ingestion from its input to its result.
            #[run(name = $name)]
            pub async fn run(
                ctx: &mut WorkflowContext<Self>,
            ) -> WorkflowResult<Message<IngestResult>> {
                Self::run_to_end(ctx).await
            }

            /// Records a worker's report of a failed attempt that is retried.
            #[signal(name = signal::ATTEMPT_FAILED)]
            pub fn attempt_failed(
                &mut self,
                _: &mut SyncWorkflowContext<Self>,
                report: Message<FailedAttempt>,
            ) {
                self.record_attempt(report);
            }

            /// The progress of the ingestion.
            #[query(name = query::STATUS)]
            pub fn status(&self, _: &WorkflowContextView) -> Message<IngestStatus> {
                self.full_status().into()
            }

            /// Resolves a step whose outcome is unknown, by a person's decision. Returns after
            /// an id has been checked.
            #[update(name = update::RESOLVE)]
            pub async fn resolve(
                ctx: &mut WorkflowContext<Self>,
                input: Message<ResolveInput>,
            ) -> Result<Message<ResolveResult>, UpdateError> {
                Self::decide(ctx, input).await
            }

            /// Refuses a decision that cannot be carried out, so that it leaves no trace in the
            /// history.
            #[update_validator(resolve)]
            fn check_resolve(
                &self,
                _: &WorkflowContextView,
                input: &Message<ResolveInput>,
            ) -> Result<(), UpdateError> {
                self.check_decision(input)
            }
        }
    };
}

fn checked<I>(
    input: Message<I>,
    check: impl FnOnce(&I) -> Result<(), Vec<Violation>>,
) -> Result<IngestInput, BadInput>
where
    I: Into<IngestInput> + DeserializeOwned + prost::Message + prost::Name + Default,
{
    match input.into_content() {
        Content::Whole(input) => {
            check(&input).map_err(BadInput::invalid)?;
            Ok(input.into())
        }
        Content::InPart(known, error) => {
            let known: IngestInput = known.into();
            Err(BadInput::unreadable(error, known.continued.is_some()))
        }
        Content::Unreadable(error) => Err(BadInput::unreadable(error, false)),
    }
}

workflow! {
    /// Takes tables of an Oracle Service Cloud into datasets of Adobe Experience Platform.
    IngestOracleServiceCloud = OracleServiceCloud as workflow::INGEST_ORACLE_SERVICE_CLOUD;
    IngestOracleServiceCloudInput with OracleServiceCloud, checked by |input| {
        // The worker's configuration says whether local hosts are allowed; the first activity
        // checks that. Everything else is checked here, before anything is created.
        validate::ingest(input, validate::Rules { allow_local_hosts: true })
    }
}

workflow! {
    /// Takes tables of any source of the catalogue into datasets of Adobe Experience Platform.
    IngestSource = AnySource as workflow::INGEST_SOURCE;
    IngestSourceInput with Any, checked by validate::ingest_source
}
