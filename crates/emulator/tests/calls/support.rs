//! A minimal client, and the chain of a tutorial created with it.

use std::time::{Duration, Instant};

use aep_emulator::{
    Config, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_ORG, DEFAULT_SOURCE_PASSWORD,
    DEFAULT_SOURCE_USERNAME, Emulator,
};
use reqwest::Method;
use serde_json::{Value, json};

pub(crate) const FLOW: &str = "/data/foundation/flowservice";
pub(crate) const REGISTRY: &str = "/data/foundation/schemaregistry";
pub(crate) const CATALOG: &str = "/data/foundation/catalog";
pub(crate) const PREP: &str = "/data/foundation/conversion";
pub(crate) const SANDBOXES: &str = "/data/foundation/sandbox-management";

pub(crate) const OSC: &str = "ba5126ec-c9ac-11eb-b8bc-0242ac130003";
pub(crate) const DATA_LAKE: &str = "c604ff05-7f1a-43c0-8e18-33bf874cb11c";
pub(crate) const CRM_TO_AEP: &str = "14518937-270c-4525-bdec-c2ba7cce3860";
pub(crate) const PROFILE: &str = "https://ns.adobe.com/xdm/context/profile";
pub(crate) const XED_FULL: &str = "application/vnd.adobe.xed-full+json;version=1";
pub(crate) const XED_LIST: &str = "application/vnd.adobe.xed+json";

/// An emulator and a client with a token for it.
pub(crate) struct Aep {
    pub(crate) emulator: Emulator,
    pub(crate) http: reqwest::Client,
    pub(crate) token: String,
    pub(crate) sandbox: String,
}

/// A response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn id(&self) -> String {
        self.body["id"]
            .as_str()
            .unwrap_or_else(|| panic!("no id: {self:?}"))
            .to_owned()
    }

    /// The last segment of `type`, such as `FLOW-1360-400`.
    pub(crate) fn code(&self) -> &str {
        self.body["type"]
            .as_str()
            .unwrap_or_default()
            .rsplit('/')
            .next()
            .unwrap_or_default()
    }

    pub(crate) fn items(&self) -> &Vec<Value> {
        self.body["items"]
            .as_array()
            .unwrap_or_else(|| panic!("no items: {self:?}"))
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.items()
            .iter()
            .map(|item| item["name"].as_str().unwrap_or_default())
            .collect()
    }
}

impl Aep {
    pub(crate) async fn start() -> Self {
        Self::with(Config::default()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let emulator = Emulator::start(config).await.unwrap();
        let http = http_client();
        let token = token(
            &http,
            &emulator.url(),
            DEFAULT_CLIENT_ID,
            DEFAULT_CLIENT_SECRET,
        )
        .await;
        Self {
            emulator,
            http,
            token,
            sandbox: "prod".to_owned(),
        }
    }

    /// A request with all headers.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.emulator.url()))
            .bearer_auth(&self.token)
            .header("x-api-key", DEFAULT_CLIENT_ID)
            .header("x-gw-ims-org-id", DEFAULT_ORG)
            .header("x-sandbox-name", &self.sandbox)
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn get_as(&self, path: &str, accept: &str) -> Reply {
        send(self.request(Method::GET, path).header("accept", accept)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        send(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, etag: &str, body: &Value) -> Reply {
        send(
            self.request(Method::PATCH, path)
                .header("if-match", etag)
                .json(body),
        )
        .await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        send(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn base_connection(&self, name: &str) -> String {
        let reply = self
            .post(&format!("{FLOW}/connections"), &base_connection(name))
            .await;
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.id()
    }

    pub(crate) async fn source_connection(&self, base: &str, table: &str) -> String {
        let path = format!("{FLOW}/connections/{base}/explore");
        let request = self
            .request(Method::GET, &path)
            .query(&[("objectType", "table"), ("object", table)]);
        let explored = send(request).await;
        let body = source_connection(base, table, &explored.body["schema"]["columns"]);
        let reply = self.post(&format!("{FLOW}/sourceConnections"), &body).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.id()
    }

    /// A field group and a schema with string fields of these names.
    pub(crate) async fn schema(&self, title: &str, fields: &[&str]) -> String {
        let group = fieldgroup(&format!("{title} fields"), fields);
        let group = self
            .post(&format!("{REGISTRY}/tenant/fieldgroups"), &group)
            .await;
        assert_eq!(group.status, 201, "{group:?}");
        let group = group.body["$id"].as_str().unwrap();
        let schema = self
            .post(&format!("{REGISTRY}/tenant/schemas"), &schema(title, group))
            .await;
        assert_eq!(schema.status, 201, "{schema:?}");
        schema.body["$id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn dataset(&self, name: &str, schema: &str) -> String {
        let reply = self
            .post(&format!("{CATALOG}/dataSets"), &dataset(name, schema))
            .await;
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.body[0]
            .as_str()
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap()
            .to_owned()
    }

    pub(crate) async fn target_connection(&self, schema: &str, dataset: &str) -> String {
        let body = target_connection(schema, dataset);
        let reply = self.post(&format!("{FLOW}/targetConnections"), &body).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.id()
    }

    pub(crate) async fn mapping_set(&self, schema: &str, mappings: &[(&str, &str)]) -> String {
        let reply = self
            .post(
                &format!("{PREP}/mappingSets"),
                &mapping_set(schema, mappings),
            )
            .await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.id()
    }

    /// Everything that a flow of a table needs.
    pub(crate) async fn parts(&self, table: &str) -> Parts {
        let base = self.base_connection(&format!("base of {table}")).await;
        let source = self.source_connection(&base, table).await;
        let schema = self
            .schema(&format!("schema of {table}"), &["tableId", "changed"])
            .await;
        let dataset = self.dataset(&format!("dataset of {table}"), &schema).await;
        let target = self.target_connection(&schema, &dataset).await;
        let mappings = [("id", "_acme.tableId"), ("updatedTime", "_acme.changed")];
        let mapping = self.mapping_set(&schema, &mappings).await;
        Parts {
            base,
            source,
            schema,
            dataset,
            target,
            mapping,
        }
    }

    pub(crate) async fn flow(&self, body: &Value) -> Reply {
        self.post(&format!("{FLOW}/flows"), body).await
    }

    /// The runs of a flow.
    pub(crate) async fn runs(&self, flow: &str) -> Vec<Value> {
        self.get(&format!(
            "{FLOW}/runs?property=flowId=={flow}&orderby=createdAt"
        ))
        .await
        .items()
        .clone()
    }

    /// Waits until a run of the flow has this status.
    pub(crate) async fn run_with_status(&self, flow: &str, status: &str) -> Value {
        self.runs_with_status(flow, status, 1).await.remove(0)
    }

    /// Waits until this number of runs of the flow has this status.
    pub(crate) async fn runs_with_status(
        &self,
        flow: &str,
        status: &str,
        count: usize,
    ) -> Vec<Value> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            let mut runs = self.runs(flow).await;
            runs.retain(|run| run["metrics"]["statusSummary"]["status"] == status);
            if runs.len() >= count {
                return runs;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!(
            "no {count} runs became {status}: {:?}",
            self.runs(flow).await
        );
    }
}

/// A client. The workspace builds reqwest without a TLS provider, but even plain HTTP requires one.
pub(crate) fn http_client() -> reqwest::Client {
    // An error means that another test was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// The ids that a flow is made of.
pub(crate) struct Parts {
    pub(crate) base: String,
    pub(crate) source: String,
    pub(crate) schema: String,
    pub(crate) dataset: String,
    pub(crate) target: String,
    pub(crate) mapping: String,
}

impl Parts {
    /// A flow that runs once, after any test has ended.
    pub(crate) fn once(&self) -> Value {
        json!({
            "name": "flow",
            "flowSpec": {"id": CRM_TO_AEP, "version": "1.0"},
            "sourceConnectionIds": [self.source],
            "targetConnectionIds": [self.target],
            "transformations": [
                {"name": "Mapping", "params": {"mappingId": self.mapping, "mappingVersion": "0"}},
            ],
            "scheduleParams": {"startTime": seconds_from_now(3600).to_string(), "frequency": "once"},
        })
    }

    /// The same flow, with a start in the near future. The start is cut to whole seconds and must
    /// not be in the past: three seconds leave two for a slow machine.
    pub(crate) fn soon(mut flow: Value) -> Value {
        flow["scheduleParams"]["startTime"] = Value::from(seconds_from_now(3).to_string());
        flow
    }

    /// A flow that runs every hour, after any test has ended.
    pub(crate) fn hourly(&self) -> Value {
        let mut flow = self.once();
        flow["scheduleParams"] = json!({
            "startTime": seconds_from_now(3600).to_string(), "frequency": "hour", "interval": "1", "backfill": "true",
        });
        let copy = json!({"name": "Copy", "params": {"deltaColumn": {"name": "updatedTime"}}});
        flow["transformations"]
            .as_array_mut()
            .unwrap()
            .insert(0, copy);
        flow
    }
}

pub(crate) async fn token(http: &reqwest::Client, url: &str, id: &str, secret: &str) -> String {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", secret),
        ("scope", "openid,session"),
    ];
    let reply = send(http.post(format!("{url}/ims/token/v3")).form(&form)).await;
    reply.body["access_token"]
        .as_str()
        .unwrap_or_else(|| panic!("no token: {reply:?}"))
        .to_owned()
}

pub(crate) async fn send(request: reqwest::RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Reply {
        status,
        headers,
        body,
        text,
    }
}

pub(crate) fn base_connection(name: &str) -> Value {
    json!({
        "name": name,
        "description": "of a test",
        "auth": {
            "specName": "Basic Authentication",
            "params": {
                "host": "acme.custhelp.com",
                "username": DEFAULT_SOURCE_USERNAME,
                "password": DEFAULT_SOURCE_PASSWORD,
            },
        },
        "connectionSpec": {"id": OSC, "version": "1.0"},
    })
}

pub(crate) fn source_connection(base: &str, table: &str, columns: &Value) -> Value {
    json!({
        "name": format!("source {table}"),
        "baseConnectionId": base,
        "data": {"format": "tabular"},
        "params": {"tableName": table, "columns": columns},
        "connectionSpec": {"id": OSC, "version": "1.0"},
    })
}

pub(crate) fn fieldgroup(title: &str, fields: &[&str]) -> Value {
    let properties: serde_json::Map<String, Value> = fields
        .iter()
        .map(|field| {
            (
                (*field).to_owned(),
                json!({"title": field, "type": "string"}),
            )
        })
        .collect();
    json!({
        "type": "object",
        "title": title,
        "description": "of a test",
        "meta:intendedToExtend": [PROFILE],
        "definitions": {"customFields": {"type": "object", "properties": {
            "_acme": {"type": "object", "properties": properties},
        }}},
        "allOf": [{"$ref": "#/definitions/customFields"}],
    })
}

pub(crate) fn schema(title: &str, fieldgroup: &str) -> Value {
    json!({
        "type": "object",
        "title": title,
        "description": "of a test",
        "allOf": [{"$ref": PROFILE}, {"$ref": fieldgroup}],
    })
}

pub(crate) fn dataset(name: &str, schema: &str) -> Value {
    json!({
        "name": name,
        "schemaRef": {"id": schema, "contentType": "application/vnd.adobe.xed+json;version=1"},
        "tags": {"acme-flow": ["v1:abc"]},
    })
}

pub(crate) fn target_connection(schema: &str, dataset: &str) -> Value {
    json!({
        "name": "target",
        "data": {"format": "parquet_xdm", "schema": {"id": schema, "version": XED_FULL}},
        "params": {"dataSetId": dataset},
        "connectionSpec": {"id": DATA_LAKE, "version": "1.0"},
    })
}

pub(crate) fn mapping_set(schema: &str, mappings: &[(&str, &str)]) -> Value {
    let mappings: Vec<Value> = mappings
        .iter()
        .map(|(source, destination)| json!({"sourceType": "ATTRIBUTE", "source": source, "destination": destination}))
        .collect();
    json!({"name": "mapping", "outputSchema": {"schemaRef": {"id": schema, "contentType": XED_FULL}}, "mappings": mappings})
}

pub(crate) fn seconds_from_now(seconds: i64) -> i64 {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    i64::try_from(now.as_secs()).unwrap() + seconds
}
