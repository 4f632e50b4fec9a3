//! The activities of the public contract: what the worker does on the platform.
//!
//! Each reads its input, resolves what it refers to, makes its calls and turns what went
//! wrong into a typed failure. None waits or repeats: retries are the server's.

#![expect(
    missing_docs,
    reason = "the macro's constants cannot carry the methods' comments"
)]

mod attempt;
mod auth_params;
mod base_connection;
mod dataflow;
mod dataset;
mod ensured;
mod existing;
mod explore;
mod failure;
mod flow_runs;
mod mapping_set;
mod next_try;
mod observe;
mod platform;
mod rehearsal;
mod report;
#[cfg(test)]
mod requests;
mod row_filter;
mod schema;
mod search_attributes;
mod source_connection;
mod spec_check;
mod standing_by_name;
mod target_connection;

use std::{str::FromStr, sync::Arc};

use aep_flow_proto::v1::{
    BaseConnection, Connection, CreateDataflowInput, CreateMappingSetInput,
    CreateSourceConnectionInput, CreateTargetConnectionInput, Dataflow, Dataset,
    EnsureDatasetInput, EnsureSchemaInput, ExploreTableInput, ExploreTableResult,
    ExploreTablesInput, ExploreTablesResult, FindDataflowInput, FindDataflowResult,
    GetFlowRunsInput, GetFlowRunsResult, MappingSet, OracleServiceCloudConnection, Schema,
    SourceConnection, TargetConnection, TestBaseConnectionInput, TestBaseConnectionResult,
};
use aep_flow_workflows::{activities as declared, payload::Message};
use aep_platform::IdError;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::throttle::Throttle;
pub use attempt::Attempt;
use attempt::{Effect, run};
pub use base_connection::{create as create_base_connection, create_oracle_service_cloud};
pub(crate) use dataflow::{create as create_dataflow, find as find_dataflow};
pub(crate) use dataset::ensure_dataset;
pub(crate) use explore::{table as explore_table, tables as explore_tables};
pub use failure::Failed;
pub(crate) use mapping_set::create as create_mapping_set;
pub use platform::Platform;
pub(crate) use platform::intent;
pub use rehearsal::{Note, Rehearsal, id_to_come};
use report::Reports;
pub(crate) use schema::ensure_schema;
pub use search_attributes::SearchAttributes;
pub(crate) use source_connection::create as create_source_connection;
pub(crate) use standing_by_name::standing_by_name;
pub(crate) use target_connection::create as create_target_connection;

/// The bodies of all activities, over one platform.
#[derive(Debug)]
pub struct Activities {
    platform: Arc<Platform>,
    reports: Reports,
}

impl Activities {
    /// Activities that talk to `platform`. `report_attempts` says whether ingestions are told
    /// of failed attempts that are retried. `throttle` hears of those that the platform refused
    /// for being too many.
    pub fn new(platform: Platform, report_attempts: bool, throttle: Option<Throttle>) -> Self {
        Self {
            platform: Arc::new(platform),
            reports: Reports::new(report_attempts, throttle),
        }
    }
}

/// A name that becomes a resource's, and the text that goes with it.
fn check_named(name: &str, description: &str) -> Result<(), Failed> {
    let mut findings = aep_flow_proto::validate::Findings::default();
    findings.name("name", name);
    findings.description("description", description);
    findings.into_result().map_err(Failed::invalid)
}

/// The id in an input's `field`.
fn read_id<I: FromStr<Err = IdError>>(field: &str, id: &str) -> Result<I, Failed> {
    id.parse()
        .map_err(|error: IdError| Failed::field(field, "no usable id", error.to_string()))
}

#[activities]
impl Activities {
    #[activity(definition = declared::CreateOracleServiceCloudBaseConnection)]
    pub async fn create_oracle_service_cloud_base_connection(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Message<OracleServiceCloudConnection>,
    ) -> Result<Message<BaseConnection>, ActivityError> {
        let platform = Arc::clone(&self.platform);
        run(
            &self.reports,
            Effect::Creates,
            ctx,
            input,
            |attempt, input| async move {
                base_connection::create_oracle_service_cloud(&platform, &attempt, input).await
            },
        )
        .await
    }

    #[activity(definition = declared::CreateBaseConnection)]
    pub async fn create_base_connection(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Message<Connection>,
    ) -> Result<Message<BaseConnection>, ActivityError> {
        let platform = Arc::clone(&self.platform);
        run(
            &self.reports,
            Effect::Creates,
            ctx,
            input,
            |attempt, input| async move {
                base_connection::create(&platform, &attempt, input).await
            },
        )
        .await
    }

    #[activity(definition = declared::TestBaseConnection)]
    pub async fn test_base_connection(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Message<TestBaseConnectionInput>,
    ) -> Result<Message<TestBaseConnectionResult>, ActivityError> {
        let platform = Arc::clone(&self.platform);
        run(
            &self.reports,
            Effect::Reads,
            ctx,
            input,
            |_, input| async move { base_connection::test(&platform, input).await },
        )
        .await
    }

    #[activity(definition = declared::ExploreTables)]
    pub async fn explore_tables(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Message<ExploreTablesInput>,
    ) -> Result<Message<ExploreTablesResult>, ActivityError> {
        let platform = Arc::clone(&self.platform);
        run(
            &self.reports,
            Effect::Reads,
            ctx,
            input,
            |_, input| async move { explore::tables(&platform, input).await },
        )
        .await
    }

    #[activity(definition = declared::ExploreTable)]
    pub async fn explore_table(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Message<ExploreTableInput>,
    ) -> Result<Message<ExploreTableResult>, ActivityError> {
        let platform = Arc::clone(&self.platform);
        run(
            &self.reports,
            Effect::Reads,
            ctx,
            input,
            |_, input| async move { explore::table(&platform, input).await },
        )
        .await
    }

    #[activity(definition = declared::CreateSourceConnection)]
    pub async fn create_source_connection(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Message<CreateSourceConnectionInput>,
    ) -> Result<Message<SourceConnection>, ActivityError> {
        let platform = Arc::clone(&self.platform);
        run(&self.reports, Effect::Creates, ctx, input, |attempt, input| async move {
            source_connection::create(&platform, &attempt, input).await
        })
        .await
    }

    #[activity(definition = declared::EnsureSchema)]
    pub async fn ensure_schema(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Message<EnsureSchemaInput>,
    ) -> Result<Message<Schema>, ActivityError> {
        let platform = Arc::clone(&self.platform);
        run(
            &self.reports,
            Effect::Creates,
            ctx,
            input,
            |attempt, input| async move { schema::ensure_schema(&platform, &attempt, input).await },
        )
        .await
    }

    #[activity(definition = declared::EnsureDataset)]
    pub async fn ensure_dataset(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Message<EnsureDatasetInput>,
    ) -> Result<Message<Dataset>, ActivityError> {
        let platform = Arc::clone(&self.platform);
        run(&self.reports, Effect::Creates, ctx, input, |attempt, input| async move {
            dataset::ensure_dataset(&platform, &attempt, input).await
        })
        .await
    }

    #[activity(definition = declared::CreateTargetConnection)]
    pub async fn create_target_connection(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Message<CreateTargetConnectionInput>,
    ) -> Result<Message<TargetConnection>, ActivityError> {
        let platform = Arc::clone(&self.platform);
        run(&self.reports, Effect::Creates, ctx, input, |attempt, input| async move {
            target_connection::create(&platform, &attempt, input).await
        })
        .await
    }

    #[activity(definition = declared::CreateMappingSet)]
    pub async fn create_mapping_set(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Message<CreateMappingSetInput>,
    ) -> Result<Message<MappingSet>, ActivityError> {
        let platform = Arc::clone(&self.platform);
        run(
            &self.reports,
            Effect::Creates,
            ctx,
            input,
            |attempt, input| async move { mapping_set::create(&platform, &attempt, input).await },
        )
        .await
    }

    #[activity(definition = declared::CreateDataflow)]
    pub async fn create_dataflow(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Message<CreateDataflowInput>,
    ) -> Result<Message<Dataflow>, ActivityError> {
        let platform = Arc::clone(&self.platform);
        run(
            &self.reports,
            Effect::Creates,
            ctx,
            input,
            |attempt, input| async move { dataflow::create(&platform, &attempt, input).await },
        )
        .await
    }

    #[activity(definition = declared::FindDataflow)]
    pub async fn find_dataflow(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Message<FindDataflowInput>,
    ) -> Result<Message<FindDataflowResult>, ActivityError> {
        let platform = Arc::clone(&self.platform);
        run(
            &self.reports,
            Effect::Reads,
            ctx,
            input,
            |_, input| async move { dataflow::find(&platform, input).await },
        )
        .await
    }

    #[activity(definition = declared::GetFlowRuns)]
    pub async fn get_flow_runs(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Message<GetFlowRunsInput>,
    ) -> Result<Message<GetFlowRunsResult>, ActivityError> {
        let platform = Arc::clone(&self.platform);
        run(
            &self.reports,
            Effect::Reads,
            ctx,
            input,
            |_, input| async move { flow_runs::get(&platform, input).await },
        )
        .await
    }
}
