//! What no call changes: the specs of connections and flows, and the source's tables.
//!
//! Source: Flow Service API reference and the sources tutorials, read 2026-11. The spec of Oracle
//! Service Cloud is printed nowhere; it is built from its tutorial.

use serde_json::{Value, json};

use crate::config::{SourceOffer, SourceSettings};
use crate::source::{self, Table};

/// The connection spec of Oracle Service Cloud.
pub(crate) const ORACLE_SERVICE_CLOUD: &str = "ba5126ec-c9ac-11eb-b8bc-0242ac130003";
/// The connection spec of the data lake, the target of every flow.
pub(crate) const DATA_LAKE: &str = "c604ff05-7f1a-43c0-8e18-33bf874cb11c";
/// The flow spec `CRMToAEP`, for every source with tables.
pub(crate) const CRM_TO_AEP: &str = "14518937-270c-4525-bdec-c2ba7cce3860";
/// The flow spec `CloudStorageToAEP`, for files.
pub(crate) const CLOUD_STORAGE_TO_AEP: &str = "9753525b-82c7-4dce-8a9b-5ccfce2b9876";

const SALESFORCE_SERVICE_CLOUD: &str = "cb66ab34-8619-49cb-96d1-39b37ede86ea";
const SERVICE_NOW: &str = "eb13cb25-47ab-407f-ba89-c0125281c563";
const PROVIDER: &str = "0ed90a81-07f4-4586-8190-b40eccef1c5a";

/// Specs and tables.
#[derive(Debug)]
pub(crate) struct Backdrop {
    pub(crate) connection_specs: Vec<Value>,
    pub(crate) flow_specs: Vec<Value>,
    tables: Vec<Table>,
}

impl Backdrop {
    /// The backdrop of these settings.
    pub(crate) fn new(settings: &SourceSettings) -> Self {
        let mut connection_specs = connection_specs(settings);
        connection_specs.extend(settings.extra_connection_specs.iter().cloned());
        let in_flow_spec: Vec<Value> = connection_specs
            .iter()
            .map(|spec| spec["id"].clone())
            .filter(|id| {
                id != DATA_LAKE
                    && (id != ORACLE_SERVICE_CLOUD
                        || settings.oracle_service_cloud != SourceOffer::MissingFromFlowSpec)
            })
            .collect();
        Self {
            connection_specs,
            flow_specs: vec![crm_to_aep(&in_flow_spec), cloud_storage_to_aep()],
            tables: source::tables(settings),
        }
    }

    /// The connection spec of this id.
    pub(crate) fn connection_spec(&self, id: &str) -> Option<&Value> {
        self.connection_specs.iter().find(|spec| spec["id"] == id)
    }

    /// The flow spec of this id.
    pub(crate) fn flow_spec(&self, id: &str) -> Option<&Value> {
        self.flow_specs.iter().find(|spec| spec["id"] == id)
    }

    /// All tables of the source.
    pub(crate) fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The table of this path.
    pub(crate) fn table(&self, path: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.path == path)
    }
}

fn connection_specs(settings: &SourceSettings) -> Vec<Value> {
    let mut specs = Vec::new();
    if settings.oracle_service_cloud != SourceOffer::Gone {
        let basic = auth_spec(
            "Basic Authentication",
            &["host", "username", "password"],
            &["password"],
        );
        specs.push(source_spec(
            ORACLE_SERVICE_CLOUD,
            "oracle-service-cloud",
            &[basic],
        ));
    }
    specs.push(source_spec(
        SALESFORCE_SERVICE_CLOUD,
        "salesforce-service-cloud",
        &[
            auth_spec(
                "Basic Authentication",
                &["environmentUrl", "username", "password", "securityToken"],
                &["password", "securityToken"],
            ),
            auth_spec(
                "OAuth2 Client Credential",
                &["environmentUrl", "clientId", "clientSecret", "apiVersion"],
                &["clientSecret"],
            ),
        ],
    ));
    let basic = auth_spec(
        "Basic Authentication",
        &["endpoint", "username", "password"],
        &["password"],
    );
    specs.push(source_spec(SERVICE_NOW, "service-now", &[basic]));
    specs.push(json!({
        "id": DATA_LAKE,
        "name": "data-lake",
        "providerId": PROVIDER,
        "version": "1.0",
        "targetSpec": {
            "name": "data-lake",
            "type": "DataSet",
            "spec": {
                "$schema": "http://json-schema.org/draft-07/schema#",
                "type": "object",
                "properties": {"dataSetId": {"type": "string"}},
                "required": ["dataSetId"],
            },
        },
        "attributes": {"isTarget": true},
    }));
    specs
}

fn auth_spec(name: &str, parameters: &[&str], secrets: &[&str]) -> Value {
    let properties: serde_json::Map<String, Value> = parameters
        .iter()
        .map(|parameter| {
            let described = if secrets.contains(parameter) {
                json!({"type": "string", "format": "password"})
            } else {
                json!({"type": "string"})
            };
            ((*parameter).to_owned(), described)
        })
        .collect();
    json!({
        "name": name,
        "type": name.replace(' ', ""),
        "spec": {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": properties,
            "required": parameters,
        },
    })
}

fn source_spec(id: &str, name: &str, auth: &[Value]) -> Value {
    json!({
        "id": id,
        "name": name,
        "providerId": PROVIDER,
        "version": "1.0",
        "authSpec": auth,
        "sourceSpec": {
            "name": name,
            "type": "Tabular",
            "spec": {
                "$schema": "http://json-schema.org/draft-07/schema#",
                "type": "object",
                "properties": {
                    "tableName": {"type": "string"},
                    "columns": {"type": "array", "items": {"type": "object"}},
                },
                "required": ["tableName", "columns"],
            },
        },
        "exploreSpec": {
            "name": "Tabular",
            "type": "Tabular",
            "requestSpec": {"type": "object"},
            "responseSpec": {"type": "object"},
        },
        "attributes": {
            "category": "Customer Success",
            "connectorName": name,
            "isSource": true,
            "uiAttributes": {"apiFeatures": {"explorePaginationSupported": false}},
        },
        "permissionsInfo": {
            "manage": [{"@type": "lowLevel", "name": "EnterpriseSource", "permissions": ["write"]}],
            "view": [{"@type": "lowLevel", "name": "EnterpriseSource", "permissions": ["read"]}],
        },
    })
}

fn crm_to_aep(sources: &[Value]) -> Value {
    json!({
        "id": CRM_TO_AEP,
        "name": "CRMToAEP",
        "providerId": PROVIDER,
        "version": "1.0",
        "sourceConnectionSpecIds": sources,
        "targetConnectionSpecIds": [DATA_LAKE],
        "transformationSpecs": [copy_spec(), mapping_spec()],
        "optionSpec": option_spec(),
        "scheduleSpec": schedule_spec(),
        "runSpec": {
            "type": "object",
            "properties": {
                "startTime": {"type": "integer"},
                "windowStartTime": {"type": "integer"},
                "windowEndTime": {"type": "integer"},
                "deltaColumn": {"type": "object"},
            },
            "required": ["startTime", "windowStartTime", "windowEndTime", "deltaColumn"],
        },
        "attributes": {
            "isSourceFlow": true,
            "flacValidationSupported": true,
            "frequency": "batch",
            "isDraftModeSupported": true,
            "recordTypeEnabled": true,
            "defaultRecordType": "profile",
        },
    })
}

fn cloud_storage_to_aep() -> Value {
    json!({
        "id": CLOUD_STORAGE_TO_AEP,
        "name": "CloudStorageToAEP",
        "providerId": PROVIDER,
        "version": "1.0",
        "sourceConnectionSpecIds": [],
        "targetConnectionSpecIds": [DATA_LAKE],
        "transformationSpecs": [mapping_spec()],
        "optionSpec": option_spec(),
        "scheduleSpec": schedule_spec(),
        "attributes": {"isSourceFlow": true, "frequency": "batch"},
    })
}

fn copy_spec() -> Value {
    json!({
        "name": "Copy",
        "spec": {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": {
                "deltaColumn": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string"},
                        "dateFormat": {"type": "string"},
                        "timezone": {"type": "string"},
                    },
                    "required": ["name"],
                },
            },
            "required": ["deltaColumn"],
        },
    })
}

fn mapping_spec() -> Value {
    json!({
        "name": "Mapping",
        "spec": {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": {"mappingId": {"type": "string"}, "mappingVersion": {"type": "string"}},
        },
    })
}

fn option_spec() -> Value {
    json!({
        "name": "OptionSpec",
        "type": "OptionSpec",
        "spec": {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": {
                "errorDiagnosticsEnabled": {"type": "boolean", "default": false},
                "partialIngestionPercent": {"type": "number", "exclusiveMinimum": 0},
            },
        },
    })
}

fn schedule_spec() -> Value {
    json!({
        "name": "PeriodicSchedule",
        "type": "Periodic",
        "spec": {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": {
                "startTime": {"description": "epoch time", "type": "integer"},
                "frequency": {"type": "string", "enum": ["once", "minute", "hour", "day", "week"]},
                "interval": {"type": "integer"},
                "backfill": {"type": "boolean", "default": true},
            },
            "required": ["startTime", "frequency"],
            "if": {"properties": {"frequency": {"const": "once"}}},
            "then": {"allOf": [{"not": {"required": ["interval"]}}, {"not": {"required": ["backfill"]}}]},
            "else": {
                "required": ["interval"],
                "if": {"properties": {"frequency": {"const": "minute"}}},
                "then": {"properties": {"interval": {"minimum": 15}}},
                "else": {"properties": {"interval": {"minimum": 1}}},
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backdrop(offer: SourceOffer) -> Backdrop {
        Backdrop::new(&SourceSettings {
            oracle_service_cloud: offer,
            ..SourceSettings::default()
        })
    }

    #[test]
    fn the_flow_spec_names_every_source_but_not_the_lake() {
        let backdrop = backdrop(SourceOffer::Offered);
        let sources = &backdrop.flow_spec(CRM_TO_AEP).unwrap()["sourceConnectionSpecIds"];
        let sources = sources.as_array().unwrap();
        assert!(sources.contains(&Value::from(ORACLE_SERVICE_CLOUD)));
        assert!(!sources.contains(&Value::from(DATA_LAKE)));
    }

    #[test]
    fn a_deprecated_source_can_be_missing_in_two_ways() {
        let missing = backdrop(SourceOffer::MissingFromFlowSpec);
        assert!(missing.connection_spec(ORACLE_SERVICE_CLOUD).is_some());
        let sources = &missing.flow_spec(CRM_TO_AEP).unwrap()["sourceConnectionSpecIds"];
        assert!(
            !sources
                .as_array()
                .unwrap()
                .contains(&Value::from(ORACLE_SERVICE_CLOUD))
        );
        assert!(
            backdrop(SourceOffer::Gone)
                .connection_spec(ORACLE_SERVICE_CLOUD)
                .is_none()
        );
    }
}
