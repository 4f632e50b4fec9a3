//! What the inputs of all activities that create a resource have in common.

use prost::Name;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    names::{ResourceKind, activity},
    v1::{
        BaseConnection, Connection, CreateDataflowInput, CreateMappingSetInput,
        CreateSourceConnectionInput, CreateTargetConnectionInput, Dataflow, Dataset, EarlierCall,
        EnsureDatasetInput, EnsureSchemaInput, MappingSet, OnExisting,
        OracleServiceCloudConnection, Schema, SourceConnection, TargetConnection,
    },
};

/// Input of an activity that creates a resource.
pub trait CreateInput: Clone + Serialize + Send + Sync + 'static {
    /// What the activity gives.
    type Created: DeserializeOwned + prost::Message + Name + Default + 'static;

    /// The activity's name.
    const ACTIVITY: &'static str;

    /// What it creates.
    const KIND: ResourceKind;

    /// Sandbox to create it in; empty for the worker's.
    fn sandbox(&self) -> &str;

    /// Its name, or title.
    fn name(&self) -> &str;

    /// Free text of the caller's; empty for a kind that keeps none.
    fn description(&self) -> &str;

    /// What to do about an existing resource of that name.
    fn on_existing(&self) -> OnExisting;

    /// Id of the resource that a person decided to adopt.
    fn adopt(&self) -> Option<&str>;

    /// The call that this one continues.
    fn continues(&self) -> Option<&EarlierCall>;

    /// The same, to adopt the resource of that id instead.
    #[must_use]
    fn adopting(self, id: String) -> Self;

    /// The same, to continue that call.
    #[must_use]
    fn continuing(self, earlier: EarlierCall) -> Self;
}

/// What the activity that takes `I` gives.
pub type Created<I> = <I as CreateInput>::Created;

macro_rules! create_inputs {
    ($($activity:ident: $input:ident -> $kind:ident as $created:ident, $name:ident $(, $description:ident)?;)*) => {$(
        impl CreateInput for $input {
            type Created = $created;

            const ACTIVITY: &'static str = activity::$activity;
            const KIND: ResourceKind = ResourceKind::$kind;

            fn sandbox(&self) -> &str {
                &self.sandbox
            }

            fn name(&self) -> &str {
                &self.$name
            }

            fn description(&self) -> &str {
                create_inputs!(@text self $($description)?)
            }

            fn on_existing(&self) -> OnExisting {
                // The method of the message itself.
                Self::on_existing(self)
            }

            fn adopt(&self) -> Option<&str> {
                self.adopt.as_deref()
            }

            fn continues(&self) -> Option<&EarlierCall> {
                self.continues.as_ref()
            }

            fn adopting(self, id: String) -> Self {
                Self {
                    adopt: Some(id),
                    // It only reads, and continues nothing.
                    continues: None,
                    ..self
                }
            }

            fn continuing(self, earlier: EarlierCall) -> Self {
                Self {
                    continues: Some(earlier),
                    ..self
                }
            }
        }
    )*};
    (@text $input:ident) => { "" };
    (@text $input:ident $field:ident) => { &$input.$field };
}

create_inputs! {
    CREATE_BASE_CONNECTION: Connection -> BaseConnection as BaseConnection, name, description;
    CREATE_ORACLE_SERVICE_CLOUD_BASE_CONNECTION:
        OracleServiceCloudConnection -> BaseConnection as BaseConnection, name, description;
    CREATE_SOURCE_CONNECTION: CreateSourceConnectionInput -> SourceConnection as SourceConnection, name, description;
    ENSURE_SCHEMA: EnsureSchemaInput -> Schema as Schema, title, description;
    ENSURE_DATASET: EnsureDatasetInput -> Dataset as Dataset, name, description;
    CREATE_TARGET_CONNECTION: CreateTargetConnectionInput -> TargetConnection as TargetConnection,
        name, description;
    CREATE_MAPPING_SET: CreateMappingSetInput -> MappingSet as MappingSet, name;
    CREATE_DATAFLOW: CreateDataflowInput -> Flow as Dataflow, name, description;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The activity of an input, and the word that its decisions store.
    fn of<I: CreateInput>() -> (&'static str, &'static str) {
        assert!(activity::creates(I::ACTIVITY), "{}", I::ACTIVITY);
        (I::ACTIVITY, I::KIND.shown())
    }

    #[test]
    fn each_activity_that_creates_has_the_kind_that_decisions_name() {
        assert_eq!(
            [
                of::<OracleServiceCloudConnection>(),
                of::<Connection>(),
                of::<CreateSourceConnectionInput>(),
                of::<EnsureSchemaInput>(),
                of::<EnsureDatasetInput>(),
                of::<CreateTargetConnectionInput>(),
                of::<CreateMappingSetInput>(),
                of::<CreateDataflowInput>(),
            ],
            [
                ("CreateOracleServiceCloudBaseConnection", "base connection"),
                ("CreateBaseConnection", "base connection"),
                ("CreateSourceConnection", "source connection"),
                ("EnsureSchema", "schema"),
                ("EnsureDataset", "dataset"),
                ("CreateTargetConnection", "target connection"),
                ("CreateMappingSet", "mapping set"),
                ("CreateDataflow", "dataflow"),
            ]
        );
    }
}
