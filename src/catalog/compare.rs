//! Compares the catalogue with what a platform offers. Pure.

use std::collections::BTreeMap;

use aep_platform::{AuthParams, ConnectionSpec, ConnectionSpecId, FlowSpec};
use serde::Serialize;

use super::Catalog;
use super::entry::{Auth, Param, Source, Tabular};

/// A difference between the catalogue and the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The source, by its name in the catalogue.
    pub source: String,
    /// The way of authentication, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<String>,
    /// The parameter, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub param: Option<String>,
    /// What differs.
    pub difference: DifferenceKind,
    /// What the catalogue says.
    pub catalogue: String,
    /// What the platform says.
    pub platform: String,
}

/// What the difference is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceKind {
    /// The platform has no such connection specification.
    SpecGone,
    /// It offers another version.
    Version,
    /// No flow specification of the name reads from the source.
    FlowSpec,
    /// Whether rows can be filtered.
    RowFilter,
    /// A way of authentication that only one side has.
    Way,
    /// A parameter that only one side has.
    Param,
    /// Whether a parameter is optional.
    Required,
    /// Whether a parameter is a secret.
    Secret,
}

/// What a platform offers.
#[derive(Debug, Default)]
pub struct Offer {
    /// Its connection specifications.
    pub connection_specs: Vec<ConnectionSpec>,
    /// Its flow specifications.
    pub flow_specs: Vec<FlowSpec>,
}

/// The differences between `catalog` and `offer` for that source, or for all that are served. What
/// the catalogue does not say is no difference.
#[must_use]
pub fn compare(catalog: &Catalog, offer: &Offer, source: Option<&str>) -> Vec<Difference> {
    catalog
        .iter()
        .filter(|each| source.is_none_or(|name| each.name == name))
        .filter_map(|each| Some((each, each.tabular.as_ref()?)))
        .flat_map(|(each, tabular)| of_source(catalog, offer, each, tabular))
        .collect()
}

fn of_source(
    catalog: &Catalog,
    offer: &Offer,
    source: &Source,
    tabular: &Tabular,
) -> Vec<Difference> {
    let mut found = Found::of(source);
    let id = &source.connection_spec.id;
    let specs = offer.connection_specs.iter();
    let Some(spec) = specs.clone().find(|spec| spec.id.as_str() == id) else {
        found.note(DifferenceKind::SpecGone, id, "none of that id");
        return found.differences;
    };
    let version = &source.connection_spec.version;
    if let Some(theirs) = spec.version.as_ref().filter(|theirs| *theirs != version) {
        found.note(DifferenceKind::Version, version, theirs);
    }
    flow_spec(&mut found, offer, source, &spec.id);
    if let Some(ours) = tabular.source_connection.row_filter {
        let theirs = spec.row_filtering().is_enabled;
        if ours != theirs {
            found.note(DifferenceKind::RowFilter, takes(ours), takes(theirs));
        }
    }
    for way in &tabular.auth {
        found.auth = Some(way.spec_name.clone());
        match spec.auth_spec(&way.spec_name) {
            None => found.note(DifferenceKind::Way, "offered", "not offered"),
            Some(theirs) => {
                if let Some(params) = &theirs.params {
                    of_way(&mut found, way, params);
                }
            }
        }
    }
    // Two sources may share a specification, each with its own ways.
    let known = |name: &str| {
        let sharing = catalog.iter().filter(|each| each.connection_spec.id == *id);
        let mut ways = sharing
            .filter_map(|each| each.tabular.as_ref())
            .flat_map(|it| &it.auth);
        ways.any(|way| way.spec_name == name)
    };
    for theirs in spec.auth_specs.iter().filter(|theirs| !known(&theirs.name)) {
        found.auth = Some(theirs.name.clone());
        found.note(DifferenceKind::Way, "not known", "offered");
    }
    found.differences
}

fn flow_spec(found: &mut Found, offer: &Offer, source: &Source, id: &ConnectionSpecId) {
    let Some(name) = source
        .flow_spec
        .as_ref()
        .and_then(|flow| flow.name.as_ref())
    else {
        return;
    };
    let mut named = offer.flow_specs.iter().filter(|spec| spec.name == *name);
    if !named.any(|spec| spec.reads_from(id)) {
        found.note(
            DifferenceKind::FlowSpec,
            name,
            "none of that name reads from it",
        );
    }
}

fn of_way(found: &mut Found, way: &Auth, theirs: &AuthParams) {
    let ours: BTreeMap<&str, &Param> = way
        .params
        .iter()
        .map(|param| (param.name.as_str(), param))
        .collect();
    for (name, param) in &ours {
        found.param = Some((*name).to_owned());
        let Some(is_secret) = theirs.known.get(*name) else {
            found.note(DifferenceKind::Param, "known", "not known");
            continue;
        };
        if param.secret != *is_secret {
            found.note(
                DifferenceKind::Secret,
                secret(param.secret),
                secret(*is_secret),
            );
        }
        let is_required = theirs.required.contains(*name);
        if param.optional == is_required {
            found.note(
                DifferenceKind::Required,
                required(!param.optional),
                required(is_required),
            );
        }
    }
    for name in theirs
        .known
        .keys()
        .filter(|name| !ours.contains_key(name.as_str()))
    {
        found.param = Some(name.clone());
        let is_required = theirs.required.contains(name);
        found.note(DifferenceKind::Param, "not known", required(is_required));
    }
    found.param = None;
}

fn takes(rows: bool) -> &'static str {
    if rows { "takes a filter" } else { "takes none" }
}

fn secret(is_secret: bool) -> &'static str {
    if is_secret { "a secret" } else { "no secret" }
}

fn required(is_required: bool) -> &'static str {
    if is_required { "required" } else { "optional" }
}

/// The differences of one source so far, and what is being compared.
struct Found {
    source: String,
    auth: Option<String>,
    param: Option<String>,
    differences: Vec<Difference>,
}

impl Found {
    fn of(source: &Source) -> Self {
        Self {
            source: source.name.clone(),
            auth: None,
            param: None,
            differences: Vec::new(),
        }
    }

    fn note(&mut self, difference: DifferenceKind, catalogue: &str, platform: &str) {
        self.differences.push(Difference {
            source: self.source.clone(),
            auth: self.auth.clone(),
            param: self.param.clone(),
            difference,
            catalogue: catalogue.to_owned(),
            platform: platform.to_owned(),
        });
    }
}
