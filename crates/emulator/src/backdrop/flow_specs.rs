//! The flow specs in Adobe's JSON.
//!
//! Source: the collect tutorials and the Flow Service API reference, read 2026-11.

use serde_json::{Value, json};

use super::connection_specs::{DATA_LAKE, PROVIDER};

/// The flow spec `CRMToAEP`, for every source with tables.
pub(super) const CRM_TO_AEP: &str = "14518937-270c-4525-bdec-c2ba7cce3860";

/// The flow spec `CloudStorageToAEP`, for files.
pub(super) const CLOUD_STORAGE_TO_AEP: &str = "9753525b-82c7-4dce-8a9b-5ccfce2b9876";

/// `CRMToAEP` for these connection specs.
pub(super) fn crm_to_aep(sources: &[Value]) -> Value {
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

/// `CloudStorageToAEP`, for files. No source of the emulator has files.
pub(super) fn cloud_storage_to_aep() -> Value {
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
