//! The inputs of one table's steps, made from an ingestion's input and earlier steps' results.
//!
//! The dry run uses the same ones, so that it shows what the workflow would do.

use aep_flow_proto::{
    json::Object,
    v1::{
        ConnectionSpec, CreateDataflowInput, CreateMappingSetInput, CreateSourceConnectionInput,
        CreateTargetConnectionInput, Dataset, EnsureDatasetInput, EnsureSchemaInput, Existing,
        ExploreTableInput, FindDataflowInput, OnExisting, Schema, SchemaSettings, Table,
    },
};

use crate::{ingest_input::ConnectionSettings, naming};

/// What the inputs of one table's steps are made from.
#[derive(Debug, Clone)]
pub struct Inputs<'a> {
    /// The connection's settings that apply to everything created through it.
    pub connection: &'a ConnectionSettings,
    /// Id of the base connection.
    pub base_connection_id: &'a str,
    /// Its specification.
    pub connection_spec: ConnectionSpec,
    /// The table, with its path.
    pub table: &'a Table,
}

impl Inputs<'_> {
    /// Name of the table's resources, except its dataset and schema.
    #[must_use]
    pub fn name(&self) -> String {
        naming::resource_name(&self.connection.name, &self.table.table)
    }

    /// Name of the dataset, and title of its schema.
    #[must_use]
    pub fn dataset_name(&self) -> String {
        naming::dataset_name(&self.connection.name, self.table)
    }

    /// For `FindDataflow`.
    #[must_use]
    pub fn find_dataflow(&self) -> FindDataflowInput {
        FindDataflowInput {
            sandbox: self.connection.sandbox.clone(),
            name: self.name(),
        }
    }

    /// For `ExploreTable`.
    #[must_use]
    pub fn explore_table(&self) -> ExploreTableInput {
        ExploreTableInput {
            sandbox: self.connection.sandbox.clone(),
            base_connection_id: self.base_connection_id.to_owned(),
            table: self.table.table.clone(),
            preview: false,
        }
    }

    /// The explored columns that the caller chose, in the caller's order; all, without a choice.
    #[must_use]
    pub fn chosen(&self, explored: Vec<Object>) -> Vec<Object> {
        let wanted = &self.table.columns;
        if wanted.is_empty() {
            return explored;
        }
        wanted
            .iter()
            .filter_map(|name| {
                explored
                    .iter()
                    .find(|column| column.text("name") == Some(name))
            })
            .cloned()
            .collect()
    }

    /// For `CreateSourceConnection`.
    #[must_use]
    pub fn source_connection(&self, columns: Vec<Object>) -> CreateSourceConnectionInput {
        CreateSourceConnectionInput {
            sandbox: self.connection.sandbox.clone(),
            name: self.name(),
            description: self.connection.description.clone(),
            base_connection_id: self.base_connection_id.to_owned(),
            connection_spec: Some(self.connection_spec.clone()),
            table: self.table.table.clone(),
            columns,
            on_existing: self.on_existing(),
            filter: self.table.filter.clone(),
            ..CreateSourceConnectionInput::default()
        }
    }

    /// Whether the schema exists already. It may have no fields for the columns, which must be
    /// known before a source connection is created for them.
    #[must_use]
    pub fn go_into_what_exists(&self) -> bool {
        let schema = self.table.schema.as_ref();
        self.table.existing_dataset.is_some()
            || schema.is_some_and(|schema| schema.existing.is_some())
    }

    /// For `EnsureDataset`, where the caller names an existing dataset.
    #[must_use]
    pub fn existing_dataset(&self) -> Option<EnsureDatasetInput> {
        let existing = self.table.existing_dataset.clone()?;
        Some(EnsureDatasetInput {
            sandbox: self.connection.sandbox.clone(),
            existing: Some(existing),
            ..EnsureDatasetInput::default()
        })
    }

    /// For `EnsureSchema`: the schema of the existing dataset, if the caller names one.
    #[must_use]
    pub fn schema(&self, columns: Vec<Object>, existing: Option<&Dataset>) -> EnsureSchemaInput {
        let settings = match existing {
            Some(dataset) => Some(SchemaSettings {
                existing: Some(Existing {
                    id: dataset.schema_id.clone(),
                    ..Existing::default()
                }),
                ..SchemaSettings::default()
            }),
            None => self.table.schema.clone(),
        };
        EnsureSchemaInput {
            sandbox: self.connection.sandbox.clone(),
            title: self.dataset_name(),
            description: self.connection.description.clone(),
            columns: self.typed(columns),
            mapping: self.table.mapping.clone(),
            on_existing: self.on_existing(),
            settings,
            // Workers of version 0.1.0 do not know the field.
            connection_spec: self
                .connection_spec
                .has_own_types()
                .then(|| self.connection_spec.clone()),
            ..EnsureSchemaInput::default()
        }
    }

    /// The columns with the types that the caller gives them, in place of what exploring says.
    fn typed(&self, mut columns: Vec<Object>) -> Vec<Object> {
        for given in &self.table.column_types {
            let name = Some(given.column.as_str());
            let named = columns.iter_mut().find(|each| each.text("name") == name);
            if let Some(Object(column)) = named {
                column.remove("xdm");
                column.insert("meta:xdmType".to_owned(), given.r#type.as_str().into());
            }
        }
        columns
    }

    /// For `CreateMappingSet`.
    #[must_use]
    pub fn mapping_set(&self, schema: Schema) -> CreateMappingSetInput {
        CreateMappingSetInput {
            sandbox: self.connection.sandbox.clone(),
            name: self.name(),
            schema_id: schema.id,
            mapping: schema.mapping,
            on_existing: self.on_existing(),
            ..CreateMappingSetInput::default()
        }
    }

    /// For `EnsureDataset`, where the dataset is created.
    #[must_use]
    pub fn dataset(&self, schema_id: &str) -> EnsureDatasetInput {
        EnsureDatasetInput {
            sandbox: self.connection.sandbox.clone(),
            name: self.dataset_name(),
            description: self.connection.description.clone(),
            schema_id: schema_id.to_owned(),
            on_existing: self.on_existing(),
            ..EnsureDatasetInput::default()
        }
    }

    /// For `CreateTargetConnection`.
    #[must_use]
    pub fn target_connection(
        &self,
        schema_id: &str,
        dataset_id: String,
    ) -> CreateTargetConnectionInput {
        CreateTargetConnectionInput {
            sandbox: self.connection.sandbox.clone(),
            name: self.name(),
            description: self.connection.description.clone(),
            schema_id: schema_id.to_owned(),
            dataset_id,
            on_existing: self.on_existing(),
            ..CreateTargetConnectionInput::default()
        }
    }

    /// For `CreateDataflow`.
    #[must_use]
    pub fn dataflow(
        &self,
        source_connection_id: String,
        target_connection_id: String,
        mapping_set_id: String,
        mapping_set_version: u32,
    ) -> CreateDataflowInput {
        CreateDataflowInput {
            sandbox: self.connection.sandbox.clone(),
            name: self.name(),
            description: self.connection.description.clone(),
            connection_spec: Some(self.connection_spec.clone()),
            source_connection_id,
            target_connection_id,
            mapping_set_id,
            mapping_set_version,
            schedule: self.table.schedule.clone(),
            delta_column: self.table.delta_column.clone(),
            on_existing: self.on_existing(),
            ..CreateDataflowInput::default()
        }
    }

    /// The caller's choice for the base connection applies to everything below it, except
    /// `FAIL`, which is about the connection alone: else nothing could ever be added to it.
    fn on_existing(&self) -> i32 {
        match self.connection.on_existing() {
            OnExisting::AdoptAny => OnExisting::AdoptAny.into(),
            OnExisting::Unspecified | OnExisting::AdoptOurs | OnExisting::Fail => {
                OnExisting::AdoptOurs.into()
            }
        }
    }
}
