//! Generates a JSON Schema of the contract's inputs from the `.proto` files. Their comments are
//! the descriptions, and give the examples and limits.

use std::collections::BTreeMap;

use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorSet, SourceCodeInfo,
    field_descriptor_proto::{Label, Type},
};
use serde_json::{Map, Value, json};

use crate::{PACKAGE, own_files};

/// Numbers of the fields of a descriptor that hold its messages, enums and fields.
///
/// Source: google/protobuf/descriptor.proto, `SourceCodeInfo.Location.path`.
const MESSAGE: i32 = 4;
const ENUM: i32 = 5;
const FIELD: i32 = 2;

/// The fields that an input must have. proto3 cannot say that; `validate` checks it, too.
const REQUIRED: [(&str, &[&str]); 8] = [
    ("IngestSourceInput", &["connection", "tables"]),
    ("IngestOracleServiceCloudInput", &["connection", "tables"]),
    ("Connection", &["name", "source"]),
    (
        "OracleServiceCloudConnection",
        &["name", "host", "username", "password"],
    ),
    ("FieldMapping", &["destination"]),
    ("ColumnType", &["column", "type"]),
    ("VaultSecret", &["path", "key"]),
    ("Identity", &["column", "namespace"]),
];

/// Messages in which exactly one of these fields is given.
const ONE_OF: [(&str, &[&str]); 4] = [
    ("Table", &["table", "match"]),
    ("Existing", &["id", "name"]),
    ("FieldMapping", &["source", "expression"]),
    ("RowFilter", &["column", "all", "any", "not"]),
];

/// The object whose values are a source's parameters.
const PARAMS: (&str, &str) = ("Connection", "params");

/// The list that may be a single entry: the message of its entries, and its field.
const LONE: (&str, &str) = ("Table", "tables");

/// The schema of what these messages hold, each under `$defs`.
pub(crate) fn of(descriptors: &FileDescriptorSet, roots: &[&str]) -> Value {
    let contract = Contract::new(descriptors);
    let mut definitions = BTreeMap::new();
    let mut wanted: Vec<String> = roots.iter().map(|&root| root.to_owned()).collect();
    while let Some(name) = wanted.pop() {
        if definitions.contains_key(&name) {
            continue;
        }
        let definition = contract.definition(&name, &mut wanted);
        definitions.insert(name, definition);
    }
    json!({"$defs": definitions})
}

struct Contract<'a> {
    messages: BTreeMap<&'a str, (&'a DescriptorProto, BTreeMap<i32, String>, String)>,
    enums: BTreeMap<&'a str, (Vec<&'a str>, String)>,
}

impl<'a> Contract<'a> {
    fn new(descriptors: &'a FileDescriptorSet) -> Self {
        let mut messages = BTreeMap::new();
        let mut enums = BTreeMap::new();
        for file in own_files(descriptors) {
            let comments = comments(file.source_code_info.as_ref());
            let comment = |path: &[i32]| comments.get(path).cloned().unwrap_or_default();
            for (index, message) in (0..).zip(&file.message_type) {
                let fields = (0..)
                    .zip(&message.field)
                    .map(|(field, _)| (field, comment(&[MESSAGE, index, FIELD, field])));
                let entry = (message, fields.collect(), comment(&[MESSAGE, index]));
                messages.insert(message.name(), entry);
            }
            for (index, each) in (0..).zip(&file.enum_type) {
                let words = each
                    .value
                    .iter()
                    .map(prost_types::EnumValueDescriptorProto::name);
                let words = words.filter(|word| !word.ends_with("_UNSPECIFIED"));
                enums.insert(each.name(), (words.collect(), comment(&[ENUM, index])));
            }
        }
        Self { messages, enums }
    }

    fn definition(&self, name: &str, wanted: &mut Vec<String>) -> Value {
        if let Some((words, comment)) = self.enums.get(name) {
            return json!({"description": comment, "enum": words});
        }
        let (message, comments, comment) = &self.messages[name];
        let mut properties = Map::new();
        let mut in_oneof = Vec::new();
        for (index, field) in (0..).zip(&message.field) {
            let comment = &comments[&index];
            if comment.contains("Not for callers") || comment.contains("The workflow sets it.") {
                continue;
            }
            // An `optional` field is alone in a oneof of its own.
            if field.oneof_index.is_some() && !field.proto3_optional() {
                in_oneof.push(field.json_name());
            }
            properties.insert(
                field.json_name().to_owned(),
                self.property(field, comment, wanted),
            );
        }
        if name == PARAMS.0 {
            let secret = "SecretReference";
            wanted.push(secret.to_owned());
            properties[PARAMS.1]["additionalProperties"] = json!({"anyOf": [
                {"type": ["string", "number", "boolean"]},
                {"$ref": format!("#/$defs/{secret}")},
            ]});
        }
        let mut definition = json!({
            "description": comment,
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
        });
        let required = REQUIRED.iter().find(|(of, _)| *of == name);
        if let Some((_, required)) = required {
            definition["required"] = json!(required);
        }
        let one_of = ONE_OF.iter().find(|(of, _)| *of == name);
        let one_of = one_of.map_or(in_oneof.as_slice(), |(_, fields)| fields);
        if !one_of.is_empty() {
            let each = one_of.iter().map(|field| json!({"required": [field]}));
            definition["oneOf"] = each.collect();
        }
        definition
    }

    fn property(
        &self,
        field: &FieldDescriptorProto,
        comment: &str,
        wanted: &mut Vec<String>,
    ) -> Value {
        let mut value = match field.r#type() {
            Type::Bool => json!({"type": "boolean"}),
            Type::String => json!({"type": "string"}),
            Type::Double => json!({"type": "number"}),
            Type::Uint32 => json!({"type": "integer", "minimum": 0}),
            Type::Message | Type::Enum => match field.type_name() {
                ".google.protobuf.Struct" => json!({"type": "object"}),
                ".google.protobuf.Value" => json!({}),
                name => {
                    let name = name.strip_prefix(PACKAGE).unwrap_or(name);
                    wanted.push(name.to_owned());
                    json!({"$ref": format!("#/$defs/{name}")})
                }
            },
            other => panic!("{}: no JSON Schema for {other:?}", field.name()),
        };
        if value["type"] == "integer" {
            limits(&mut value, comment);
        }
        if field.label() == Label::Repeated {
            value = json!({"type": "array", "items": value});
        }
        let (of, list) = LONE;
        if field.json_name() == list {
            wanted.push(of.to_owned());
            value = json!({"oneOf": [value, {"$ref": format!("#/$defs/{of}")}]});
        }
        value["description"] = json!(comment);
        if let Some(example) = example(comment) {
            value["examples"] = json!([example]);
        }
        value
    }
}

/// Every comment, in one paragraph, by the path of the item that it describes.
fn comments(info: Option<&SourceCodeInfo>) -> BTreeMap<Vec<i32>, String> {
    let locations = info.iter().flat_map(|info| &info.location);
    locations
        .filter_map(|location| {
            let lines = location.leading_comments.as_ref()?.lines();
            let lines: Vec<&str> = lines.map(str::trim).collect();
            Some((location.path.clone(), lines.join(" ").trim().to_owned()))
        })
        .collect()
}

/// What `Example: ….` says, where it is JSON.
fn example(comment: &str) -> Option<Value> {
    let (_, text) = comment.rsplit_once("Example: ")?;
    serde_json::from_str(text.strip_suffix('.').unwrap_or(text)).ok()
}

/// Reads `At most 64.` and `200 to 10000.`. Nothing, or 0, always means the default.
fn limits(value: &mut Value, comment: &str) {
    let words: Vec<&str> = comment.split_whitespace().collect();
    let number = |word: &str| word.trim_end_matches('.').parse::<u32>().ok();
    for three in words.windows(3) {
        match (three[0], three[1], number(three[2])) {
            ("At", "most", Some(most)) => value["maximum"] = json!(most),
            (least, "to", Some(most)) => {
                if let Some(least) = number(least) {
                    value["minimum"] = json!(least);
                    value["maximum"] = json!(most);
                }
            }
            _ => {}
        }
    }
}
