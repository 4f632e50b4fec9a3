//! Adds the catalogue to the schema of a specification: the parameters of each source.

use serde_json::{Map, Value, json};

use super::Catalog;
use super::entry::{Auth, Literal, Param, Source, ValueType};

const SECRET: &str = "#/$defs/SecretReference";

impl Catalog {
    /// Adds to the `schema` of [`aep_flow_proto::schema::ingestion`] the sources, their ways of
    /// authentication, and the parameters of each way.
    pub fn refine(&self, schema: &mut Value) {
        let served = || self.iter().filter(|source| source.tabular.is_some());
        let connection = &mut schema["$defs"]["Connection"];
        connection["properties"]["source"]["enum"] =
            served().map(|source| json!(source.name)).collect();
        connection["allOf"] = served().flat_map(of_source).collect();
    }
}

/// The rules for a connection to that source: its ways, and the parameters of each way.
fn of_source(source: &Source) -> Vec<Value> {
    let ways = source.tabular.iter().flat_map(|tabular| &tabular.auth);
    let ways: Vec<&Auth> = ways.collect();
    let names: Vec<&str> = ways.iter().map(|way| way.spec_name.as_str()).collect();
    let mut then = json!({"properties": {"auth": {"enum": names}}});
    if let [_, _, ..] = ways.as_slice() {
        then["required"] = json!(["auth"]);
    }
    let is_source = json!({"source": {"const": source.name}});
    let mut rules = vec![json!({
        "if": {"required": ["source"], "properties": is_source},
        "then": then,
    })];
    for way in &ways {
        let mut is_way = is_source.clone();
        is_way["auth"] = json!({"const": way.spec_name});
        // A single way need not be named.
        let named = match ways.as_slice() {
            [_] => json!(["source"]),
            _ => json!(["source", "auth"]),
        };
        let mut then = json!({"properties": {"params": params(way)}});
        if way.params.iter().any(|param| !param.optional) {
            then["required"] = json!(["params"]);
        }
        rules.push(json!({
            "if": {"required": named, "properties": is_way},
            "then": then,
        }));
    }
    rules
}

fn params(way: &Auth) -> Value {
    let properties: Map<String, Value> = way
        .params
        .iter()
        .map(|param| (param.name.clone(), of_param(param)))
        .collect();
    let required = way.params.iter().filter(|param| !param.optional);
    let required: Vec<&str> = required.map(|param| param.name.as_str()).collect();
    json!({
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn of_param(param: &Param) -> Value {
    let mut schema = if param.secret {
        json!({"$ref": SECRET})
    } else {
        let type_ = match param.value_type {
            ValueType::String => "string",
            ValueType::Integer => "integer",
            ValueType::Boolean => "boolean",
        };
        json!({"type": type_})
    };
    schema["description"] = json!(param.description);
    if let Some(example) = &param.example {
        let example = match example {
            Literal::Boolean(flag) => json!(flag),
            Literal::Integer(number) => json!(number),
            Literal::String(text) => json!(text),
        };
        schema["examples"] = json!([example]);
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> jsonschema::Validator {
        let mut schema = aep_flow_proto::schema::ingestion();
        Catalog::built_in().refine(&mut schema);
        jsonschema::validator_for(&schema).unwrap()
    }

    /// A connection by that way, with every parameter it needs.
    fn whole(source: &Source, way: &Auth) -> Value {
        let params = way.params.iter().filter(|param| !param.optional);
        let params: Map<String, Value> = params
            .map(|param| {
                let value = match param.value_type {
                    _ if param.secret => json!({"env": "SECRET"}),
                    ValueType::String => json!("a"),
                    ValueType::Integer => json!(1),
                    ValueType::Boolean => json!(true),
                };
                (param.name.clone(), value)
            })
            .collect();
        json!({
            "connection": {"name": "a", "source": source.name, "auth": way.spec_name,
                           "params": params},
            "tables": [{"table": "a"}],
        })
    }

    #[test]
    fn each_way_of_each_source_takes_its_own_parameters() {
        let schema = schema();
        let catalog = Catalog::built_in();
        let mut ways = 0;
        for source in catalog.iter() {
            for way in source.tabular.iter().flat_map(|tabular| &tabular.auth) {
                ways += 1;
                let name = format!("{} by {}", source.name, way.spec_name);
                let good = whole(source, way);
                assert!(schema.is_valid(&good), "{name}: {good}");
                for param in &way.params {
                    let at = |value: Option<Value>| {
                        let mut input = good.clone();
                        let params = input["connection"]["params"].as_object_mut().unwrap();
                        match value {
                            Some(value) => params.insert(param.name.clone(), value),
                            None => params.remove(&param.name),
                        };
                        schema.is_valid(&input)
                    };
                    assert_eq!(at(None), param.optional, "{name} without {}", param.name);
                    if param.secret {
                        assert!(!at(Some(json!("hunter2"))), "{name}: {}", param.name);
                    }
                }
                let mut unknown = good.clone();
                unknown["connection"]["params"]["hostt"] = json!("a");
                assert!(!schema.is_valid(&unknown), "{name}");
                let mut other = good.clone();
                other["connection"]["auth"] = json!("Another Way");
                assert!(!schema.is_valid(&other), "{name}");
            }
        }
        assert!(ways > 50, "{ways} ways");
    }

    #[test]
    fn a_source_that_gives_no_tables_is_none() {
        let mut input = whole_of("postgresql");
        assert!(schema().is_valid(&input));
        for other in ["amazon-s3", "postgres"] {
            input["connection"]["source"] = json!(other);
            assert!(!schema().is_valid(&input), "{other}");
        }
    }

    fn whole_of(name: &str) -> Value {
        let catalog = Catalog::built_in();
        let source = catalog.source(name).unwrap();
        whole(source, &source.served().unwrap().auth[0])
    }
}
