//! The search attributes of a namespace: which of ours are registered, and how to register the rest.

use std::collections::BTreeMap;

use aep_flow_proto::names::{SearchAttribute, SearchAttributeType};
use temporalio_client::tonic::{IntoRequest as _, Status};
use temporalio_client::{Client, NamespacedClient as _};
use temporalio_common::protos::temporal::api::{
    enums::v1::IndexedValueType,
    operatorservice::v1::{AddSearchAttributesRequest, ListSearchAttributesRequest},
};

/// The search attributes of a namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Registered(BTreeMap<String, &'static str>);

impl Registered {
    /// The search attributes of the namespace of `client`.
    pub(crate) async fn list(client: &Client) -> Result<Self, Status> {
        let request = ListSearchAttributesRequest {
            namespace: client.namespace(),
        };
        let mut service = client.connection().operator_service();
        let listed = service.list_search_attributes(request.into_request());
        let listed = listed.await?.into_inner().custom_attributes;
        let named = |(name, kind)| (name, type_name(kind));
        Ok(Self(listed.into_iter().map(named).collect()))
    }

    /// The type of the attribute of that name.
    pub(crate) fn type_of(&self, name: &str) -> Option<&'static str> {
        self.0.get(name).copied()
    }

    /// Those of ours that are not registered.
    pub(crate) fn missing(&self) -> Vec<SearchAttribute> {
        SearchAttribute::ALL
            .into_iter()
            .filter(|each| self.type_of(each.as_str()).is_none())
            .collect()
    }

    /// Those of ours that are registered with another type, with that type.
    pub(crate) fn mistyped(&self) -> Vec<(SearchAttribute, &'static str)> {
        SearchAttribute::ALL
            .into_iter()
            .filter_map(|each| {
                let found = self.type_of(each.as_str())?;
                (found != each.value_type().as_str()).then_some((each, found))
            })
            .collect()
    }

    /// Whether `name` is registered with the type that we need.
    pub(crate) fn has(&self, name: &str) -> bool {
        let ours = SearchAttribute::ALL
            .into_iter()
            .find(|each| each.as_str() == name);
        ours.is_some_and(|each| self.type_of(name) == Some(each.value_type().as_str()))
    }
}

/// Registers `missing` in the namespace of `client`.
pub(crate) async fn register(client: &Client, missing: &[SearchAttribute]) -> Result<(), Status> {
    let search_attributes = missing
        .iter()
        .map(|each| (each.to_string(), type_number(each.value_type())))
        .collect();
    let request = AddSearchAttributesRequest {
        search_attributes,
        namespace: client.namespace(),
    };
    let mut service = client.connection().operator_service();
    service
        .add_search_attributes(request.into_request())
        .await?;
    Ok(())
}

/// The command that registers `missing`.
pub(crate) fn register_command(namespace: &str, missing: &[SearchAttribute]) -> String {
    let mut command = format!("temporal operator search-attribute create --namespace {namespace}");
    for each in missing {
        let value_type = each.value_type();
        command.push_str(&format!(" --name {each} --type {value_type}"));
    }
    command
}

/// The names, as a list in a sentence.
pub(crate) fn names(attributes: &[SearchAttribute]) -> String {
    let names: Vec<&str> = attributes.iter().map(|each| each.as_str()).collect();
    names.join(", ")
}

const TYPES: [(IndexedValueType, &str); 7] = [
    (IndexedValueType::Text, "Text"),
    (IndexedValueType::Keyword, "Keyword"),
    (IndexedValueType::Int, "Int"),
    (IndexedValueType::Double, "Double"),
    (IndexedValueType::Bool, "Bool"),
    (IndexedValueType::Datetime, "Datetime"),
    (IndexedValueType::KeywordList, "KeywordList"),
];

fn type_name(number: i32) -> &'static str {
    let found = TYPES.iter().find(|(kind, _)| *kind as i32 == number);
    found.map_or("unknown", |(_, name)| name)
}

fn type_number(value_type: SearchAttributeType) -> i32 {
    match value_type {
        SearchAttributeType::Keyword => IndexedValueType::Keyword as i32,
        SearchAttributeType::Bool => IndexedValueType::Bool as i32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_name_every_search_attribute() {
        let reference = include_str!("../docs/configuration.md");
        let meaning = include_str!("../docs/operating.md");
        for name in SearchAttribute::ALL {
            let flags = format!("--name {name} --type {}", name.value_type());
            assert!(reference.contains(&flags), "{flags}");
            assert!(meaning.contains(&format!("| `{name}` |")), "{name}");
        }
    }

    #[test]
    fn the_command_registers_what_is_missing() {
        assert_eq!(
            register_command(
                "ns",
                &[SearchAttribute::Phase, SearchAttribute::NeedsDecision]
            ),
            "temporal operator search-attribute create --namespace ns --name AepPhase --type \
             Keyword --name AepNeedsDecision --type Bool"
        );
    }

    #[test]
    fn one_of_another_type_is_of_no_use() {
        let mut registered = Registered(
            SearchAttribute::ALL
                .map(|each| (each.to_string(), each.value_type().as_str()))
                .into(),
        );
        assert_eq!(
            (registered.missing(), registered.mistyped()),
            (vec![], vec![])
        );
        registered.0.insert("AepPhase".to_owned(), "Text");
        registered.0.remove("AepSource");
        assert_eq!(registered.missing(), [SearchAttribute::Source]);
        assert_eq!(registered.mistyped(), [(SearchAttribute::Phase, "Text")]);
        assert!(registered.has("AepSandbox"));
        assert!(!registered.has("AepPhase") && !registered.has("AepSource"));
    }

    #[test]
    fn every_type_of_ours_has_its_number() {
        for each in SearchAttribute::ALL {
            let value_type = each.value_type();
            assert_eq!(type_name(type_number(value_type)), value_type.as_str());
        }
    }
}
