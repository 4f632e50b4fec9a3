//! What each kind's create sends, in its order, and the marker that it leaves: a marker that
//! changed orphans what exists, and each request more is one that the documentation does not count.

use aep_emulator::{DEFAULT_ORG, Emulator};
use aep_flow_ensure::{Intent, ResourceKind};
use aep_flow_proto::{
    json::Object,
    v1::{
        CreateDataflowInput, CreateMappingSetInput, CreateSourceConnectionInput,
        CreateTargetConnectionInput, Dataflow, Dataset, EnsureDatasetInput, EnsureSchemaInput,
        FieldMapping, Identity, OracleServiceCloudConnection, Schema, SchemaSettings,
        SecretReference, secret_reference::Place,
    },
};
use serde_json::{Value, json};

use super::{Attempt, Creates as _, Platform};
use crate::{catalog::Catalog, config::Config, platform_client};

const CALL: [&str; 3] = ["workflow", "run", "1"];

/// An emulated platform, and how many requests were read so far.
struct Ground {
    emulator: Emulator,
    platform: Platform,
    seen: usize,
    _secrets: tempfile::TempDir,
}

/// What one table's chain gave, and the requests of each of its creates.
struct Chain {
    base_connection: String,
    source_connection: String,
    schema: Schema,
    dataset: Dataset,
    target_connection: String,
    mapping_set: String,
    dataflow: Dataflow,
    requests: Vec<String>,
}

fn text(text: &str) -> String {
    text.to_owned()
}

impl Ground {
    async fn start() -> Self {
        let emulator = Emulator::start(aep_emulator::Config::default())
            .await
            .unwrap();
        let secrets = tempfile::tempdir().unwrap();
        let password = secrets.path().join("password");
        std::fs::write(password, aep_emulator::DEFAULT_SOURCE_PASSWORD).unwrap();
        let mut config = Config::default();
        let url: url::Url = emulator.url().parse().unwrap();
        config.aep.platform_url = url.clone();
        config.aep.ims_url = url;
        config.aep.allow_insecure = true;
        config.aep.org_id = Some(text(DEFAULT_ORG));
        config.aep.client_id = Some(text(aep_emulator::DEFAULT_CLIENT_ID));
        config.aep.client_secret = Some(aep_emulator::DEFAULT_CLIENT_SECRET.into());
        config.ensure.list_lag = std::time::Duration::ZERO;
        config.secrets.folder = Some(secrets.path().to_owned());
        // One attempt is enough.
        config.ensure.sole_caller = true;
        let client = platform_client::from_config(&config).unwrap();
        let platform = Platform::new(&config, client, Catalog::built_in()).unwrap();
        Self {
            emulator,
            platform,
            seen: 0,
            _secrets: secrets,
        }
    }

    /// The requests since this was last asked: method, and the end of the route.
    fn requests(&mut self) -> String {
        let journal = self.emulator.journal();
        let new = journal.iter().skip(self.seen).map(|entry| {
            let mut words = entry.route.rsplit('/');
            let (last, before) = (words.next().unwrap(), words.next().unwrap());
            format!("{} {before}/{last}", entry.method)
        });
        let new: Vec<String> = new.collect();
        self.seen = journal.len();
        new.join(", ")
    }

    fn only(&self, collection: &str) -> Value {
        let mut all = self.emulator.resources("prod", collection);
        assert_eq!(all.len(), 1, "{collection}: {all:?}");
        all.remove(0)
    }

    /// The marker in the only description there, behind the caller's own text.
    fn marker(&self, collection: &str) -> String {
        let description = self.only(collection)["description"].clone();
        let description = description.as_str().unwrap();
        description.strip_prefix("Ours ").unwrap().to_owned()
    }

    async fn chain(&mut self) -> Chain {
        let attempt = &Attempt::of_call(CALL);
        let mut requests = Vec::new();

        let base = base_connection().create(&self.platform, attempt);
        let base = base.await.unwrap();
        requests.push(self.requests());

        let source = CreateSourceConnectionInput {
            name: text("Contacts"),
            description: text("Ours"),
            base_connection_id: base.id.clone(),
            connection_spec: base.connection_spec.clone(),
            table: text("Contacts"),
            columns: columns(),
            ..CreateSourceConnectionInput::default()
        };
        let source = source.create(&self.platform, attempt);
        let source = source.await.unwrap();
        requests.push(self.requests());

        let schema = schema().create(&self.platform, attempt);
        let schema = schema.await.unwrap();
        requests.push(self.requests());

        let dataset = EnsureDatasetInput {
            name: text("Contacts"),
            description: text("Ours"),
            schema_id: schema.id.clone(),
            ..EnsureDatasetInput::default()
        };
        let dataset = dataset.create(&self.platform, attempt);
        let dataset = dataset.await.unwrap();
        requests.push(self.requests());

        let target = CreateTargetConnectionInput {
            name: text("Contacts"),
            description: text("Ours"),
            schema_id: schema.id.clone(),
            dataset_id: dataset.id.clone(),
            ..CreateTargetConnectionInput::default()
        };
        let target = target.create(&self.platform, attempt);
        let target = target.await.unwrap();
        requests.push(self.requests());

        let mut mapping = schema.mapping.clone();
        mapping[1] = FieldMapping {
            source: String::new(),
            expression: text("lower(mail)"),
            ..mapping[1].clone()
        };
        let mapping_set = CreateMappingSetInput {
            name: text("Contacts"),
            schema_id: schema.id.clone(),
            mapping,
            ..CreateMappingSetInput::default()
        };
        let mapping_set = mapping_set.create(&self.platform, attempt);
        let mapping_set = mapping_set.await.unwrap();
        requests.push(self.requests());

        let dataflow = CreateDataflowInput {
            name: text("Contacts"),
            description: text("Ours"),
            connection_spec: base.connection_spec,
            source_connection_id: source.id.clone(),
            target_connection_id: target.id.clone(),
            mapping_set_id: mapping_set.id.clone(),
            ..CreateDataflowInput::default()
        };
        let dataflow = dataflow.create(&self.platform, attempt);
        let dataflow = dataflow.await.unwrap();
        requests.push(self.requests());

        Chain {
            base_connection: base.id,
            source_connection: source.id,
            schema,
            dataset,
            target_connection: target.id,
            mapping_set: mapping_set.id,
            dataflow,
            requests,
        }
    }
}

fn base_connection() -> OracleServiceCloudConnection {
    OracleServiceCloudConnection {
        name: text("OSC"),
        description: text("Ours"),
        host: text("acme.custhelp.com"),
        username: text("svc_aep"),
        password: Some(SecretReference {
            place: Some(Place::File(text("password"))),
        }),
        ..OracleServiceCloudConnection::default()
    }
}

fn schema() -> EnsureSchemaInput {
    let identity = Identity {
        column: text("mail"),
        namespace: text("Email"),
        primary: true,
    };
    EnsureSchemaInput {
        title: text("Contacts"),
        description: text("Ours"),
        columns: columns(),
        settings: Some(SchemaSettings {
            identity: Some(identity),
            ..SchemaSettings::default()
        }),
        ..EnsureSchemaInput::default()
    }
}

fn columns() -> Vec<Object> {
    ["id", "mail"]
        .map(|name| {
            let column = json!({"name": name, "type": "string"});
            Object(column.as_object().unwrap().clone())
        })
        .to_vec()
}

/// The marker of a kind whose fields hold ids, which differ from run to run.
fn marker(kind: ResourceKind, scope: &str, fields: &[(&str, &str)]) -> String {
    let intent = Intent::new(kind, &[DEFAULT_ORG, "prod", scope], "Contacts").by(&CALL);
    let intent = fields
        .iter()
        .fold(intent, |intent, (field, value)| intent.field(field, value));
    intent.marker().to_string()
}

#[tokio::test]
async fn each_kind_keeps_its_requests() {
    let mut ground = Ground::start().await;
    let created = ground.chain().await;
    assert_eq!(
        created.requests,
        [
            "POST token/v3, GET foundation/sandbox-management, GET connectionSpecs/{id}, \
             GET flowservice/connections, POST flowservice/connections",
            "GET flowservice/sourceConnections, POST flowservice/sourceConnections",
            "GET schemaregistry/stats, GET tenant/fieldgroups, POST tenant/fieldgroups, \
             GET tenant/schemas, POST tenant/schemas, GET tenant/descriptors, \
             GET tenant/descriptors, POST tenant/descriptors",
            "GET catalog/dataSets, POST catalog/dataSets",
            "GET flowservice/targetConnections, POST flowservice/targetConnections",
            "POST mappingSets/validate, GET conversion/mappingSets, POST conversion/mappingSets",
            "GET flowservice/flowSpecs, GET flowservice/flows, POST flowservice/flows",
        ]
    );
    let adopted = ground.chain().await;
    assert_eq!(
        adopted.requests,
        [
            "GET flowservice/connections, GET connections/{id}",
            "GET flowservice/sourceConnections, GET sourceConnections/{id}",
            "GET tenant/fieldgroups, GET fieldgroups/{id}, GET tenant/schemas, GET schemas/{id}, \
             GET tenant/descriptors, GET tenant/descriptors, GET descriptors/{id}",
            "GET catalog/dataSets, GET dataSets/{id}",
            "GET flowservice/targetConnections, GET targetConnections/{id}",
            "POST mappingSets/validate, GET conversion/mappingSets, GET mappingSets/{id}",
            "GET flowservice/flowSpecs, GET flowservice/flows, GET flows/{id}",
        ]
    );
    assert_eq!(adopted.dataflow.id, created.dataflow.id);
}

#[tokio::test]
async fn each_kind_keeps_its_marker() {
    let mut ground = Ground::start().await;
    let chain = ground.chain().await;
    let schema_id = chain.schema.id.as_str();
    assert_eq!(
        ground.marker("connections"),
        "[aep-flow:v1 k=4c995bdfe9a77736 by=281127e3b9a0cb67 host=080396e2 username=9b0002b0]"
    );
    assert_eq!(
        ground.marker("sourceConnections"),
        marker(
            ResourceKind::SourceConnection,
            &chain.base_connection,
            &[("table", "Contacts"), ("columns", "id\nmail")]
        )
    );
    assert_eq!(
        ground.marker("fieldgroups"),
        "[aep-flow:v1 k=a757cf71a048eb66 by=281127e3b9a0cb67 fields=0a277156]"
    );
    assert_eq!(
        ground.marker("schemas"),
        marker(
            ResourceKind::Schema,
            "",
            &[("fieldGroupId", &chain.schema.field_group_id)]
        )
    );
    let of_dataset = marker(ResourceKind::Dataset, "", &[("schemaId", schema_id)]);
    assert_eq!(ground.marker("dataSets"), of_dataset);
    assert_eq!(
        ground.only("dataSets")["tags"]["aep-flow"],
        json!([of_dataset])
    );
    assert_eq!(
        ground.marker("targetConnections"),
        marker(
            ResourceKind::TargetConnection,
            "",
            &[("schemaId", schema_id), ("datasetId", &chain.dataset.id)]
        )
    );
    let lines = &chain.schema.mapping;
    let scope = format!(
        "{schema_id}\n{}\t{}\n\t{}\t\"lower(mail)\"",
        lines[0].source, lines[0].destination, lines[1].destination
    );
    let intent = Intent::new(
        ResourceKind::MappingSet,
        &[DEFAULT_ORG, "prod", &scope],
        "Contacts",
    );
    assert_eq!(
        ground.only("mappingSets")["name"],
        json!(format!("Contacts - {}", intent.marker().key()))
    );
    assert_eq!(
        ground.marker("flows"),
        marker(
            ResourceKind::Flow,
            "",
            &[
                ("sourceConnectionId", &chain.source_connection),
                ("targetConnectionId", &chain.target_connection),
                ("mappingSetId", &chain.mapping_set),
                ("schedule", "|once||"),
                ("deltaColumn", ""),
            ]
        )
    );
}
