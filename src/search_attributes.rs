//! The search attributes of a namespace: which of ours are registered, and how to register the rest.

use std::collections::BTreeMap;

use aep_flow_proto::names::search_attribute;
use temporalio_client::tonic::{IntoRequest as _, Status};
use temporalio_client::{Client, NamespacedClient as _};
use temporalio_common::protos::temporal::api::{
    enums::v1::IndexedValueType,
    operatorservice::v1::{AddSearchAttributesRequest, ListSearchAttributesRequest},
};

/// A name, and its type as Temporal's command line calls it.
pub(crate) type Attribute = (&'static str, &'static str);

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
    pub(crate) fn missing(&self) -> Vec<Attribute> {
        search_attribute::ALL
            .into_iter()
            .filter(|(name, _)| self.type_of(name).is_none())
            .collect()
    }

    /// Those of ours that are registered with another type, with that type.
    pub(crate) fn mistyped(&self) -> Vec<(Attribute, &'static str)> {
        search_attribute::ALL
            .into_iter()
            .filter_map(|(name, kind)| {
                let found = self.type_of(name)?;
                (found != kind).then_some(((name, kind), found))
            })
            .collect()
    }

    /// Whether `name` is registered with the type that we need.
    pub(crate) fn has(&self, name: &str) -> bool {
        let ours = search_attribute::ALL.iter().find(|each| each.0 == name);
        ours.is_some_and(|(name, kind)| self.type_of(name) == Some(kind))
    }
}

/// Registers `missing` in the namespace of `client`.
pub(crate) async fn register(client: &Client, missing: &[Attribute]) -> Result<(), Status> {
    let search_attributes = missing
        .iter()
        .map(|(name, kind)| ((*name).to_owned(), type_number(kind)))
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
pub(crate) fn register_command(namespace: &str, missing: &[Attribute]) -> String {
    let mut command = format!("temporal operator search-attribute create --namespace {namespace}");
    for (name, kind) in missing {
        command.push_str(&format!(" --name {name} --type {kind}"));
    }
    command
}

/// The names, as a list in a sentence.
pub(crate) fn names(attributes: &[Attribute]) -> String {
    let names: Vec<&str> = attributes.iter().map(|(name, _)| *name).collect();
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

fn type_number(name: &str) -> i32 {
    let found = TYPES.iter().find(|(_, each)| *each == name);
    found.map_or(IndexedValueType::Unspecified, |(kind, _)| *kind) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_name_every_search_attribute() {
        let reference = include_str!("../docs/configuration.md");
        let meaning = include_str!("../docs/operating.md");
        for (name, kind) in search_attribute::ALL {
            let flags = format!("--name {name} --type {kind}");
            assert!(reference.contains(&flags), "{flags}");
            assert!(meaning.contains(&format!("| `{name}` |")), "{name}");
        }
    }

    #[test]
    fn the_command_registers_what_is_missing() {
        assert_eq!(
            register_command(
                "ns",
                &[("AepPhase", "Keyword"), ("AepNeedsDecision", "Bool")]
            ),
            "temporal operator search-attribute create --namespace ns --name AepPhase --type \
             Keyword --name AepNeedsDecision --type Bool"
        );
    }

    #[test]
    fn one_of_another_type_is_of_no_use() {
        let mut registered = Registered(
            search_attribute::ALL
                .map(|(name, kind)| (name.to_owned(), kind))
                .into(),
        );
        assert_eq!(
            (registered.missing(), registered.mistyped()),
            (vec![], vec![])
        );
        registered.0.insert("AepPhase".to_owned(), "Text");
        registered.0.remove("AepSource");
        assert_eq!(registered.missing(), [("AepSource", "Keyword")]);
        assert_eq!(registered.mistyped(), [(("AepPhase", "Keyword"), "Text")]);
        assert!(registered.has("AepSandbox"));
        assert!(!registered.has("AepPhase") && !registered.has("AepSource"));
    }

    #[test]
    fn every_type_of_ours_has_its_number() {
        for (_, kind) in search_attribute::ALL {
            assert_eq!(type_name(type_number(kind)), kind);
        }
    }
}
