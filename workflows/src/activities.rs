//! The activities' names, inputs and outputs, for workflows to call.
//!
//! The worker's crate has the bodies. It implements these declarations one by one, so the
//! compiler checks that both sides have the same types.

#![expect(
    missing_docs,
    reason = "the macro's constants cannot carry the methods' comments"
)]

use aep_flow_proto::{
    create::Created,
    names::activity,
    v1::{
        Connection, CreateDataflowInput, CreateMappingSetInput, CreateSourceConnectionInput,
        CreateTargetConnectionInput, EnsureDatasetInput, EnsureSchemaInput, ExploreTableInput,
        ExploreTableResult, ExploreTablesInput, ExploreTablesResult, FindDataflowInput,
        FindDataflowResult, FindSearchAttributesInput, FindSearchAttributesResult,
        GetFlowRunsInput, GetFlowRunsResult, OracleServiceCloudConnection, TestBaseConnectionInput,
        TestBaseConnectionResult,
    },
};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;

use crate::payload::Message;

// The worker's crate implements these types one by one.
pub use self::declared::{
    CreateBaseConnection, CreateDataflow, CreateMappingSet, CreateOracleServiceCloudBaseConnection,
    CreateSourceConnection, CreateTargetConnection, EnsureDataset, EnsureSchema, ExploreTable,
    ExploreTables, FindDataflow, FindSearchAttributes, GetFlowRuns, TestBaseConnection,
};

/// Declarations of all activities of the contract.
///
/// ```
/// # use aep_flow_proto::v1::ExploreTableInput;
/// # use aep_flow_workflows::{activities::Declared, payload::Message};
/// # use temporalio_workflow::{ActivityOptions, WorkflowContext};
/// # async fn explore<W>(ctx: &WorkflowContext<W>, options: ActivityOptions) {
/// let input = Message::from(ExploreTableInput::default());
/// let _ = ctx.execute_activity(Declared::explore_table, input, options).await;
/// # }
/// ```
///
/// Another activity's input does not compile:
///
/// ```compile_fail,E0277
/// # use aep_flow_proto::v1::ExploreTablesInput;
/// # use aep_flow_workflows::{activities::Declared, payload::Message};
/// # use temporalio_workflow::{ActivityOptions, WorkflowContext};
/// # async fn explore<W>(ctx: &WorkflowContext<W>, options: ActivityOptions) {
/// let input = Message::from(ExploreTablesInput::default());
/// let _ = ctx.execute_activity(Declared::explore_table, input, options).await;
/// # }
/// ```
#[derive(Debug)]
pub struct Declared;

#[activity_definitions]
impl Declared {
    #[activity(name = activity::CREATE_ORACLE_SERVICE_CLOUD_BASE_CONNECTION)]
    pub fn create_oracle_service_cloud_base_connection(
        _: Message<OracleServiceCloudConnection>,
    ) -> Result<Message<Created<OracleServiceCloudConnection>>, ActivityError> {
        unimplemented!()
    }

    #[activity(name = activity::CREATE_BASE_CONNECTION)]
    pub fn create_base_connection(
        _: Message<Connection>,
    ) -> Result<Message<Created<Connection>>, ActivityError> {
        unimplemented!()
    }

    #[activity(name = activity::TEST_BASE_CONNECTION)]
    pub fn test_base_connection(
        _: Message<TestBaseConnectionInput>,
    ) -> Result<Message<TestBaseConnectionResult>, ActivityError> {
        unimplemented!()
    }

    #[activity(name = activity::EXPLORE_TABLES)]
    pub fn explore_tables(
        _: Message<ExploreTablesInput>,
    ) -> Result<Message<ExploreTablesResult>, ActivityError> {
        unimplemented!()
    }

    #[activity(name = activity::EXPLORE_TABLE)]
    pub fn explore_table(
        _: Message<ExploreTableInput>,
    ) -> Result<Message<ExploreTableResult>, ActivityError> {
        unimplemented!()
    }

    #[activity(name = activity::CREATE_SOURCE_CONNECTION)]
    pub fn create_source_connection(
        _: Message<CreateSourceConnectionInput>,
    ) -> Result<Message<Created<CreateSourceConnectionInput>>, ActivityError> {
        unimplemented!()
    }

    #[activity(name = activity::ENSURE_SCHEMA)]
    pub fn ensure_schema(
        _: Message<EnsureSchemaInput>,
    ) -> Result<Message<Created<EnsureSchemaInput>>, ActivityError> {
        unimplemented!()
    }

    #[activity(name = activity::ENSURE_DATASET)]
    pub fn ensure_dataset(
        _: Message<EnsureDatasetInput>,
    ) -> Result<Message<Created<EnsureDatasetInput>>, ActivityError> {
        unimplemented!()
    }

    #[activity(name = activity::CREATE_TARGET_CONNECTION)]
    pub fn create_target_connection(
        _: Message<CreateTargetConnectionInput>,
    ) -> Result<Message<Created<CreateTargetConnectionInput>>, ActivityError> {
        unimplemented!()
    }

    #[activity(name = activity::CREATE_MAPPING_SET)]
    pub fn create_mapping_set(
        _: Message<CreateMappingSetInput>,
    ) -> Result<Message<Created<CreateMappingSetInput>>, ActivityError> {
        unimplemented!()
    }

    #[activity(name = activity::CREATE_DATAFLOW)]
    pub fn create_dataflow(
        _: Message<CreateDataflowInput>,
    ) -> Result<Message<Created<CreateDataflowInput>>, ActivityError> {
        unimplemented!()
    }

    #[activity(name = activity::FIND_DATAFLOW)]
    pub fn find_dataflow(
        _: Message<FindDataflowInput>,
    ) -> Result<Message<FindDataflowResult>, ActivityError> {
        unimplemented!()
    }

    #[activity(name = activity::GET_FLOW_RUNS)]
    pub fn get_flow_runs(
        _: Message<GetFlowRunsInput>,
    ) -> Result<Message<GetFlowRunsResult>, ActivityError> {
        unimplemented!()
    }

    #[activity(name = activity::FIND_SEARCH_ATTRIBUTES)]
    pub fn find_search_attributes(
        _: Message<FindSearchAttributesInput>,
    ) -> Result<Message<FindSearchAttributesResult>, ActivityError> {
        unimplemented!()
    }
}
