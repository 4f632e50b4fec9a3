//! What no call changes: the specs of connections and flows, and the tables of the sources.

mod connection_specs;
mod flow_specs;
mod sources;

use serde_json::Value;

pub(crate) use connection_specs::DATA_LAKE;
pub(crate) use sources::is_plain_param;

use crate::config::{SourceOffer, SourceSettings};
use crate::source::{Table, Tables};

/// The specs and the tables.
#[derive(Debug)]
pub(crate) struct Backdrop {
    pub(crate) connection_specs: Vec<Value>,
    pub(crate) flow_specs: Vec<Value>,
    refused: Vec<&'static str>,
    tables: Tables,
}

impl Backdrop {
    /// The specs and tables that these settings ask for.
    pub(crate) fn new(settings: &SourceSettings) -> Self {
        let mut connection_specs = Vec::new();
        let mut in_flow_spec = Vec::new();
        let mut refused = Vec::new();
        for source in sources::all() {
            let offer = offer(source, settings);
            if offer == SourceOffer::Gone {
                continue;
            }
            connection_specs.push(connection_specs::of_source(source));
            if offer != SourceOffer::MissingFromFlowSpec {
                in_flow_spec.push(Value::from(source.id.as_str()));
            }
            if offer == SourceOffer::Refused {
                refused.push(source.id.as_str());
            }
        }
        let extra = &settings.extra_connection_specs;
        in_flow_spec.extend(extra.iter().map(|spec| spec["id"].clone()));
        connection_specs.push(connection_specs::data_lake());
        connection_specs.extend(extra.iter().cloned());
        Self {
            connection_specs,
            flow_specs: vec![
                flow_specs::crm_to_aep(&in_flow_spec),
                flow_specs::cloud_storage_to_aep(),
            ],
            refused,
            tables: Tables::new(settings),
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

    /// Whether the platform refuses new connections of this spec.
    pub(crate) fn refuses(&self, spec: &str) -> bool {
        self.refused.contains(&spec)
    }

    /// All tables of the source of this connection spec.
    pub(crate) fn tables(&self, spec: &str) -> &[Table] {
        let source = sources::all().iter().find(|source| source.id == spec);
        self.tables.of(source.map_or("", |source| &source.tables))
    }

    /// The table of this path, of the source of this connection spec.
    pub(crate) fn table(&self, spec: &str, path: &str) -> Option<&Table> {
        self.tables(spec).iter().find(|table| table.path == path)
    }

    /// Whether the source of this connection spec filters rows.
    pub(crate) fn filters_rows(&self, spec: &str) -> bool {
        self.connection_spec(spec).is_some_and(|spec| {
            spec.pointer("/attributes/filterAtSource/enabled") == Some(&Value::from(true))
        })
    }
}

/// Whether [`SourceSettings::offers`] may name a source like this: by its name, or by the id of its
/// connection spec.
pub fn knows_source(name: &str) -> bool {
    sources::all().iter().any(|source| source.is_called(name))
}

/// How a source is offered: its own setting wins, else the chosen version of the flow spec decides.
fn offer(source: &sources::Source, settings: &SourceSettings) -> SourceOffer {
    let own = settings
        .offers
        .iter()
        .find(|(name, _)| source.is_called(name))
        .map(|(_, offer)| *offer);
    if let Some(offer) = own {
        return offer;
    }
    if settings.newest_flow_spec && !source.is_in_newest_print() {
        SourceOffer::MissingFromFlowSpec
    } else {
        SourceOffer::Offered
    }
}

#[cfg(test)]
mod tests {
    use super::flow_specs::CRM_TO_AEP;
    use super::*;

    const ORACLE_SERVICE_CLOUD: &str = "ba5126ec-c9ac-11eb-b8bc-0242ac130003";
    const PHOENIX: &str = "102706fb-a5cd-42ee-afe0-bc42f017ff43";
    const MARKETING_CLOUD: &str = "ea1c2a08-b722-11eb-8529-0242ac130003";

    fn backdrop(offers: &[(&str, SourceOffer)]) -> Backdrop {
        Backdrop::new(&SourceSettings {
            offers: offers
                .iter()
                .map(|(name, offer)| ((*name).to_owned(), *offer))
                .collect(),
            ..SourceSettings::default()
        })
    }

    fn in_flow_spec(backdrop: &Backdrop, id: &str) -> bool {
        let spec = backdrop.flow_spec(CRM_TO_AEP).unwrap();
        let ids = spec["sourceConnectionSpecIds"].as_array().unwrap();
        ids.contains(&Value::from(id))
    }

    #[test]
    fn the_flow_spec_names_every_source_but_not_the_lake() {
        let backdrop = backdrop(&[]);
        for spec in &backdrop.connection_specs {
            let id = spec["id"].as_str().unwrap();
            assert_eq!(in_flow_spec(&backdrop, id), id != DATA_LAKE, "{id}");
        }
    }

    #[test]
    fn a_source_can_be_missing_in_three_ways_by_any_of_its_names() {
        let missing = backdrop(&[(PHOENIX, SourceOffer::MissingFromFlowSpec)]);
        assert!(missing.connection_spec(PHOENIX).is_some());
        assert!(!in_flow_spec(&missing, PHOENIX));
        assert!(in_flow_spec(&missing, ORACLE_SERVICE_CLOUD));
        let gone = backdrop(&[("pathfactory", SourceOffer::Gone)]);
        assert!(gone.connection_spec(MARKETING_CLOUD).is_none());
        assert!(!in_flow_spec(&gone, MARKETING_CLOUD));
        let refused = backdrop(&[("phoenix", SourceOffer::Refused)]);
        assert!(refused.refuses(PHOENIX) && !refused.refuses(MARKETING_CLOUD));
        assert!(refused.connection_spec(PHOENIX).is_some());
    }

    #[test]
    fn a_setting_of_the_source_says_whether_the_flow_spec_has_it() {
        for (offer, expected) in [
            (SourceOffer::MissingFromFlowSpec, false),
            (SourceOffer::Offered, true),
        ] {
            let backdrop = backdrop(&[("oracle-service-cloud", offer)]);
            assert_eq!(in_flow_spec(&backdrop, ORACLE_SERVICE_CLOUD), expected);
        }
    }

    #[test]
    fn the_newest_flow_spec_lacks_what_its_printed_version_lacks() {
        let backdrop = Backdrop::new(&SourceSettings {
            newest_flow_spec: true,
            offers: [("phoenix".to_owned(), SourceOffer::Offered)].into(),
            ..SourceSettings::default()
        });
        assert!(!in_flow_spec(&backdrop, ORACLE_SERVICE_CLOUD));
        assert!(in_flow_spec(&backdrop, MARKETING_CLOUD));
        assert!(in_flow_spec(&backdrop, PHOENIX), "its own setting wins");
    }

    #[test]
    fn four_sources_filter_rows() {
        let backdrop = backdrop(&[]);
        let ids = backdrop
            .connection_specs
            .iter()
            .map(|spec| spec["id"].as_str().unwrap());
        let filtering = ids.filter(|id| backdrop.filters_rows(id)).count();
        assert_eq!(filtering, 4);
    }

    #[test]
    fn every_source_has_tables_of_its_own_kind() {
        let backdrop = backdrop(&[]);
        let paths = |id: &str| -> Vec<&str> {
            let tables = backdrop.tables(id).iter();
            tables.map(|table| table.path.as_str()).collect()
        };
        let oracle = paths(ORACLE_SERVICE_CLOUD);
        for source in sources::all() {
            let own = paths(&source.id);
            assert!(!own.is_empty(), "{}", source.name);
            assert_eq!(
                own == oracle,
                source.id == ORACLE_SERVICE_CLOUD,
                "{}",
                source.name
            );
        }
        assert!(paths(PHOENIX).contains(&"public.orders"));
        assert_eq!(paths("of somebody's own spec"), oracle);
    }
}
