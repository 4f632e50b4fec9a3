//! What a pipeline costs with nothing of ours in it: one activity after the other, each
//! with the HTTP calls that ours makes, responses parsed as plain JSON.
//!
//! No retries, no validation, no types, no protocol: the floor that `pipelines` compares with.

#![expect(missing_docs, reason = "the macros' constants cannot carry comments")]

use std::{sync::Arc, time::Duration};

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions, GrpcCompression};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityOptions, Runtime, Worker, WorkerOptions, WorkflowContext, WorkflowResult,
    activities::{ActivityContext, ActivityError},
    runtime::RuntimeOptions,
};

const FLOW: &str = "/data/foundation/flowservice";
const REGISTRY: &str = "/data/foundation/schemaregistry/tenant";
const SOURCE_SPEC: &str = "ba5126ec-c9ac-11eb-b8bc-0242ac130003";
const LAKE_SPEC: &str = "c604ff05-7f1a-43c0-8e18-33bf874cb11c";
const FLOW_SPEC: &str = "14518937-270c-4525-bdec-c2ba7cce3860";
const SCHEMA_VERSION: &str = "application/vnd.adobe.xed-full+json;version=1";

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pipeline {
    name: String,
    table: String,
}

/// What one step hands to the next.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Step {
    name: String,
    table: String,
    base: String,
    columns: Vec<Value>,
    source: String,
    schema: String,
    dataset: String,
    target: String,
    mapping_set: String,
}

#[workflow]
#[derive(Debug, Default)]
pub struct BareIngest;

#[workflow_methods]
impl BareIngest {
    #[run(name = "BareIngest")]
    pub async fn run(ctx: &mut WorkflowContext<Self>, input: Pipeline) -> WorkflowResult<String> {
        let options = ActivityOptions::start_to_close_timeout(Duration::from_secs(60));
        let step = Step {
            name: input.name,
            table: input.table,
            ..Step::default()
        };
        let step = ctx
            .execute_activity(Bare::base, step, options.clone())
            .await?;
        let step = ctx
            .execute_activity(Bare::explore, step, options.clone())
            .await?;
        let step = ctx
            .execute_activity(Bare::source, step, options.clone())
            .await?;
        let step = ctx
            .execute_activity(Bare::schema, step, options.clone())
            .await?;
        let step = ctx
            .execute_activity(Bare::dataset, step, options.clone())
            .await?;
        let step = ctx
            .execute_activity(Bare::target, step, options.clone())
            .await?;
        let step = ctx
            .execute_activity(Bare::mapping_set, step, options.clone())
            .await?;
        Ok(ctx.execute_activity(Bare::flow, step, options).await?)
    }
}

struct Bare {
    http: reqwest::Client,
    platform: String,
    token: String,
}

impl Bare {
    async fn call(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> anyhow::Result<Value> {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.platform))
            .query(query)
            .bearer_auth(&self.token)
            .header("x-api-key", aep_emulator::DEFAULT_CLIENT_ID)
            .header("x-gw-ims-org-id", aep_emulator::DEFAULT_ORG)
            .header("x-sandbox-name", "prod")
            .header("accept", "application/vnd.adobe.xed+json");
        if let Some(body) = body {
            request = request.json(&body);
        }
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    async fn look(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Value> {
        self.call(Method::GET, path, query, None).await
    }

    async fn create(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.call(Method::POST, path, &[], Some(body)).await
    }
}

fn id(value: &Value) -> String {
    value["id"]
        .as_str()
        .or(value["$id"].as_str())
        .unwrap_or_default()
        .to_owned()
}

#[activities]
impl Bare {
    #[activity]
    async fn base(
        self: Arc<Self>,
        _: ActivityContext,
        mut step: Step,
    ) -> Result<Step, ActivityError> {
        let by_name = format!("name=={}", step.name);
        self.look(&format!("{FLOW}/connections"), &[("property", &by_name)])
            .await?;
        let body = json!({"name": step.name, "auth": {"specName": "Basic Authentication",
            "params": {"host": "acme.custhelp.com", "username": "svc_aep", "password": "osc-password"}},
            "connectionSpec": {"id": SOURCE_SPEC, "version": "1.0"}});
        step.base = id(&self.create(&format!("{FLOW}/connections"), body).await?);
        Ok(step)
    }

    #[activity]
    async fn explore(
        self: Arc<Self>,
        _: ActivityContext,
        mut step: Step,
    ) -> Result<Step, ActivityError> {
        let path = format!("{FLOW}/connections/{}/explore", step.base);
        let answer = self
            .look(&path, &[("objectType", "table"), ("object", &step.table)])
            .await?;
        step.columns = answer["schema"]["columns"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        Ok(step)
    }

    #[activity]
    async fn source(
        self: Arc<Self>,
        _: ActivityContext,
        mut step: Step,
    ) -> Result<Step, ActivityError> {
        let by_name = format!("name=={}", step.name);
        self.look(
            &format!("{FLOW}/sourceConnections"),
            &[("property", &by_name)],
        )
        .await?;
        let body = json!({"name": step.name, "baseConnectionId": step.base, "data": {"format": "tabular"},
            "params": {"tableName": step.table, "columns": step.columns},
            "connectionSpec": {"id": SOURCE_SPEC, "version": "1.0"}});
        step.source = id(&self
            .create(&format!("{FLOW}/sourceConnections"), body)
            .await?);
        Ok(step)
    }

    #[activity]
    async fn schema(
        self: Arc<Self>,
        _: ActivityContext,
        mut step: Step,
    ) -> Result<Step, ActivityError> {
        let title = format!("{} fields", step.name);
        let by_title = format!("title=={title}");
        let query = [("orderby", "title"), ("property", by_title.as_str())];
        self.look(&format!("{REGISTRY}/fieldgroups"), &query)
            .await?;
        let fields: serde_json::Map<String, Value> = step
            .columns
            .iter()
            .map(|column| (field(column), json!({"type": "string"})))
            .collect();
        let body = json!({"type": "object", "title": title, "description": title,
            "meta:intendedToExtend": ["https://ns.adobe.com/xdm/context/profile"],
            "definitions": {"customFields": {"type": "object", "properties":
                {"_acme": {"type": "object", "properties": fields}}}},
            "allOf": [{"$ref": "#/definitions/customFields"}]});
        let group = id(&self
            .create(&format!("{REGISTRY}/fieldgroups"), body)
            .await?);
        let by_title = format!("title=={}", step.name);
        let query = [("orderby", "title"), ("property", by_title.as_str())];
        self.look(&format!("{REGISTRY}/schemas"), &query).await?;
        let body = json!({"type": "object", "title": step.name, "description": step.name,
            "allOf": [{"$ref": "https://ns.adobe.com/xdm/context/profile"}, {"$ref": group}]});
        step.schema = id(&self.create(&format!("{REGISTRY}/schemas"), body).await?);
        Ok(step)
    }

    #[activity]
    async fn dataset(
        self: Arc<Self>,
        _: ActivityContext,
        mut step: Step,
    ) -> Result<Step, ActivityError> {
        let path = "/data/foundation/catalog/dataSets";
        self.look(path, &[("name", &step.name)]).await?;
        let body = json!({"name": step.name, "schemaRef": {"id": step.schema,
            "contentType": "application/vnd.adobe.xed+json;version=1"}});
        let answer = self.create(path, body).await?;
        let reference = answer[0].as_str().unwrap_or_default();
        step.dataset = reference.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(step)
    }

    #[activity]
    async fn target(
        self: Arc<Self>,
        _: ActivityContext,
        mut step: Step,
    ) -> Result<Step, ActivityError> {
        let by_name = format!("name=={}", step.name);
        self.look(
            &format!("{FLOW}/targetConnections"),
            &[("property", &by_name)],
        )
        .await?;
        let body = json!({"name": step.name, "data": {"format": "parquet_xdm",
            "schema": {"id": step.schema, "version": SCHEMA_VERSION}},
            "params": {"dataSetId": step.dataset}, "connectionSpec": {"id": LAKE_SPEC, "version": "1.0"}});
        step.target = id(&self
            .create(&format!("{FLOW}/targetConnections"), body)
            .await?);
        Ok(step)
    }

    #[activity]
    async fn mapping_set(
        self: Arc<Self>,
        _: ActivityContext,
        mut step: Step,
    ) -> Result<Step, ActivityError> {
        let path = "/data/foundation/conversion/mappingSets";
        let query = [
            ("limit", "100"),
            ("start", "0"),
            ("name", step.name.as_str()),
        ];
        self.look(path, &query).await?;
        let mappings: Vec<Value> = step
            .columns
            .iter()
            .map(|column| {
                json!({"sourceType": "ATTRIBUTE",
                "source": column["name"].as_str().unwrap_or_default().replace('.', r"\."),
                "destination": format!("_acme.{}", field(column))})
            })
            .collect();
        let body = json!({"name": step.name, "outputSchema": {"schemaRef": {"id": step.schema,
            "contentType": SCHEMA_VERSION}}, "mappings": mappings});
        step.mapping_set = id(&self.create(path, body).await?);
        Ok(step)
    }

    #[activity]
    async fn flow(
        self: Arc<Self>,
        _: ActivityContext,
        step: Step,
    ) -> Result<String, ActivityError> {
        self.look(
            &format!("{FLOW}/flowSpecs"),
            &[("property", "name==CRMToAEP")],
        )
        .await?;
        let by_name = format!("name=={}", step.name);
        self.look(&format!("{FLOW}/flows"), &[("property", &by_name)])
            .await?;
        let start = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |now| now.as_secs() + 60);
        let body = json!({"name": step.name, "flowSpec": {"id": FLOW_SPEC, "version": "1.0"},
            "sourceConnectionIds": [step.source], "targetConnectionIds": [step.target],
            "transformations": [{"name": "Mapping",
                "params": {"mappingId": step.mapping_set, "mappingVersion": "0"}}],
            "scheduleParams": {"startTime": start.to_string(), "frequency": "once"}});
        Ok(id(&self.create(&format!("{FLOW}/flows"), body).await?))
    }
}

fn field(column: &Value) -> String {
    column["name"]
        .as_str()
        .unwrap_or_default()
        .replace('.', "_")
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| {
        arguments
            .next()
            .ok_or_else(|| anyhow::anyhow!("missing: {what}"))
    };
    let (temporal, platform, queue) = (
        next("Temporal's address")?,
        next("platform")?,
        next("task queue")?,
    );

    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()?
    .with_root_certificates(rustls::RootCertStore::empty())
    .with_no_client_auth();
    let http = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .build()?;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", aep_emulator::DEFAULT_CLIENT_ID),
        ("client_secret", aep_emulator::DEFAULT_CLIENT_SECRET),
        ("scope", "openid"),
    ];
    let token: Value = http
        .post(format!("{platform}/ims/token/v3"))
        .form(&form)
        .send()
        .await?
        .json()
        .await?;
    let token = token["access_token"]
        .as_str()
        .unwrap_or_default()
        .to_owned();

    let options = ConnectionOptions::new(url::Url::parse(&format!("http://{temporal}"))?)
        .grpc_compression(GrpcCompression::None)
        .build();
    let client = Client::new(
        Connection::connect(options).await?,
        ClientOptions::new("default").build(),
    )?;
    let options = WorkerOptions::new(queue)
        .register_activities(Bare {
            http,
            platform,
            token,
        })
        .register_workflow::<BareIngest>()?
        .build();
    let runtime = Runtime::from_current_tokio(RuntimeOptions::default())?;
    Worker::new(&runtime, client, options)?.run().await?;
    Ok(())
}
