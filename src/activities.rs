//! The activities of the public contract: what the worker does on the platform.
//!
//! Each reads its input, resolves what it refers to, makes its calls and turns what went
//! wrong into a typed failure. None waits or repeats: the server retries.

#![expect(
    missing_docs,
    reason = "the macro's constants cannot carry the methods' comments"
)]

mod attempt;
mod auth_params;
mod base_connection;
mod dataflow;
mod dataset;
mod dry_run;
mod ensure;
mod existing;
mod explore;
mod failure;
mod find_by_name;
mod flow_runs;
mod mapping_set;
mod next_try;
mod observe;
mod open_creates;
mod platform;
mod report;
mod row_filter;
mod schema;
mod search_attributes;
mod source_connection;
mod spec_check;
mod target_connection;

use std::{str::FromStr, sync::Arc};

use aep_flow_proto::{create::CreateInput, validate::Findings};
use aep_flow_workflows::activities as declared;
use aep_platform::IdError;
use temporalio_common::ActivityDefinition;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::throttle::Throttle;
pub use attempt::Attempt;
pub(crate) use attempt::HEARTBEAT_THROTTLE;
#[cfg(test)]
pub(crate) use attempt::HEARTBEATS;
use attempt::{Effect, run};
pub(crate) use dataflow::find as find_dataflow;
pub use dry_run::{DryRun, Note};
pub use ensure::Creates;
pub(crate) use ensure::Ensurable;
pub(crate) use explore::{table as explore_table, tables as explore_tables};
pub use failure::ActivityFailure;
pub(crate) use find_by_name::find_by_name;
pub use platform::Platform;
pub(crate) use platform::intent;
use report::Reports;
pub use search_attributes::SearchAttributes;

/// The bodies of all activities, over one platform.
#[derive(Debug)]
pub struct Activities {
    platform: Arc<Platform>,
    reports: Reports,
}

impl Activities {
    /// Activities that talk to `platform`. `report_attempts` says whether ingestions are notified
    /// of failed attempts that are retried. `throttle` is notified of those that the platform
    /// refused as too many.
    pub fn new(platform: Platform, report_attempts: bool, throttle: Option<Throttle>) -> Self {
        Self {
            platform: Arc::new(platform),
            reports: Reports::new(report_attempts, throttle),
        }
    }
}

/// The name that becomes a resource's, and the text that goes with it.
fn check_named(input: &impl CreateInput) -> Result<(), ActivityFailure> {
    check_name(input.name(), input.description())
}

fn check_name(name: &str, description: &str) -> Result<(), ActivityFailure> {
    let mut findings = Findings::default();
    findings.name("name", name);
    findings.description("description", description);
    findings.into_result().map_err(ActivityFailure::invalid)
}

/// The id in an input's `field`.
fn read_id<I: FromStr<Err = IdError>>(field: &str, id: &str) -> Result<I, ActivityFailure> {
    id.parse()
        .map_err(|error: IdError| ActivityFailure::field(field, "no usable id", error.to_string()))
}

type Input<A> = <A as ActivityDefinition>::Input;
type Output<A> = <A as ActivityDefinition>::Output;

/// One method for each activity: those that create give their input to its own body, the others
/// to the function that is named.
macro_rules! bodies {
    (
        creates { $($create:ident = $create_name:ident;)* }
        reads { $($read:ident = $read_name:ident by $body:path;)* }
    ) => {
        #[activities]
        impl Activities {
            $(#[activity(definition = declared::$create)]
            pub async fn $create_name(
                self: Arc<Self>,
                ctx: ActivityContext,
                input: Input<declared::$create>,
            ) -> Result<Output<declared::$create>, ActivityError> {
                let platform = Arc::clone(&self.platform);
                let body = |attempt: Attempt, input: _| async move {
                    attempt.begin_after(CreateInput::continues(&input))?;
                    Creates::create(input, &platform, &attempt).await
                };
                run(&self.reports, Effect::Creates, ctx, input, body).await
            })*

            $(#[activity(definition = declared::$read)]
            pub async fn $read_name(
                self: Arc<Self>,
                ctx: ActivityContext,
                input: Input<declared::$read>,
            ) -> Result<Output<declared::$read>, ActivityError> {
                let platform = Arc::clone(&self.platform);
                let body = |_, input| async move { $body(&platform, input).await };
                run(&self.reports, Effect::Reads, ctx, input, body).await
            })*
        }
    };
}

bodies! {
    creates {
        CreateOracleServiceCloudBaseConnection = create_oracle_service_cloud_base_connection;
        CreateBaseConnection = create_base_connection;
        CreateSourceConnection = create_source_connection;
        EnsureSchema = ensure_schema;
        EnsureDataset = ensure_dataset;
        CreateTargetConnection = create_target_connection;
        CreateMappingSet = create_mapping_set;
        CreateDataflow = create_dataflow;
    }
    reads {
        TestBaseConnection = test_base_connection by base_connection::test;
        ExploreTables = explore_tables by explore::tables;
        ExploreTable = explore_table by explore::table;
        FindDataflow = find_dataflow by dataflow::find;
        GetFlowRuns = get_flow_runs by flow_runs::get;
    }
}

#[cfg(test)]
mod tests;
