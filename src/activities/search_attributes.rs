//! Which search attributes the worker's namespace knows: the workflow's own question, for to
//! set one that is not registered fails its tasks for ever.

use std::sync::Arc;

use aep_flow_proto::{
    names::FailureType,
    v1::{FailureDetails, FindSearchAttributesInput, FindSearchAttributesResult, SearchAttribute},
};
use aep_flow_workflows::{activities as declared, failure, payload::Message};
use temporalio_client::tonic::{IntoRequest as _, Status};
use temporalio_client::{Client, NamespacedClient as _};
use temporalio_common::protos::temporal::api::{
    enums::v1::IndexedValueType, operatorservice::v1::ListSearchAttributesRequest,
};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

/// The activity that asks, with the worker's own client.
pub struct SearchAttributes {
    client: Client,
}

impl SearchAttributes {
    /// Asks through `client`, about its namespace.
    pub fn new(client: Client) -> Self {
        Self { client }
    }
}

impl std::fmt::Debug for SearchAttributes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SearchAttributes")
            .finish_non_exhaustive()
    }
}

#[activities]
impl SearchAttributes {
    #[activity(definition = declared::FindSearchAttributes)]
    pub async fn find_search_attributes(
        self: Arc<Self>,
        _: ActivityContext,
        input: Message<FindSearchAttributesInput>,
    ) -> Result<Message<FindSearchAttributesResult>, ActivityError> {
        let input = input
            .read()
            .map_err(|error| ActivityError::application(failure::unreadable(error)))?;
        let request = ListSearchAttributesRequest {
            namespace: self.client.namespace(),
        };
        let mut service = self.client.connection().operator_service();
        let listed = service
            .list_search_attributes(request.into_request())
            .await
            .map_err(|status| not_listed(&status))?
            .into_inner();
        let attributes = listed
            .custom_attributes
            .into_iter()
            .filter(|(name, _)| input.names.contains(name))
            .map(|(name, kind)| SearchAttribute {
                name,
                r#type: type_name(kind).to_owned(),
            })
            .collect();
        Ok(Message::from(FindSearchAttributesResult { attributes }))
    }
}

fn not_listed(status: &Status) -> ActivityError {
    let message = format!(
        "the namespace's search attributes can't be listed: {}",
        status.message()
    );
    ActivityError::application(failure::typed(
        FailureType::Unavailable,
        message,
        FailureDetails::default(),
    ))
}

/// As Temporal's command line names it.
fn type_name(kind: i32) -> &'static str {
    match IndexedValueType::try_from(kind) {
        Ok(IndexedValueType::Text) => "Text",
        Ok(IndexedValueType::Keyword) => "Keyword",
        Ok(IndexedValueType::Int) => "Int",
        Ok(IndexedValueType::Double) => "Double",
        Ok(IndexedValueType::Bool) => "Bool",
        Ok(IndexedValueType::Datetime) => "Datetime",
        Ok(IndexedValueType::KeywordList) => "KeywordList",
        Ok(IndexedValueType::Unspecified) | Err(_) => "unknown",
    }
}
