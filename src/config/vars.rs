//! Every setting, declared and documented once.
//!
//! `docs/configuration.md` is generated from this file: after a change run
//! `UPDATE=1 cargo test --lib config`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use aep_flow_ensure::Rules;
use secrecy::SecretString;
use url::Url;

use super::declare::{Setting, settings};
use super::value::{Compression, LogFormat, ProxyAddress, Value};
use crate::codec::KeyRing;
use crate::secrets::SecretRule;

settings! {
    /// Adobe Experience Platform: its address, the credentials and the sandbox.
    Aep aep {
        /// Address of the platform's services.
        platform_url: Url = address("https://platform.adobe.io"),
        env "AEP_FLOW_PLATFORM_URL";

        /// Address of the service that issues access tokens.
        ims_url: Url = address("https://ims-na1.adobelogin.com"),
        env "AEP_FLOW_IMS_URL";

        /// The IMS organisation: 24 hexadecimal digits and `@AdobeOrg`.
        org_id: Option<String> = None,
        env "AEP_FLOW_ORG_ID";

        /// Client id of an OAuth server-to-server credential; also the API key of every call.
        client_id: Option<String> = None,
        env "AEP_FLOW_CLIENT_ID";

        /// Client secret of that credential. The file holds only a reference:
        /// `client_secret = { env = "NAME" }` or `{ file = "path" }`.
        client_secret: Option<SecretString> = None,
        env "AEP_FLOW_CLIENT_SECRET";

        /// Scopes that the Developer Console shows for that credential.
        scopes: Vec<String> = words(&[
            "openid",
            "session",
            "AdobeID",
            "read_organizations",
            "additional_info.projectedProductContext",
        ]),
        env "AEP_FLOW_SCOPES";

        /// Sandbox for inputs that do not name one.
        sandbox: String = "prod".to_owned(),
        env "AEP_FLOW_SANDBOX";

        /// Allows `http` in the two addresses, for this machine only: for an emulator.
        allow_insecure: bool = false,
        env "AEP_FLOW_ALLOW_INSECURE";

        /// PEM file of certificate authorities to trust besides the system's, such as that of a
        /// company's proxy.
        ca_certificate: Option<PathBuf> = None,
        env "AEP_FLOW_CA_CERTIFICATE";

        /// How long name resolution, TCP and TLS may take together.
        connect_timeout: Duration = Duration::from_secs(10),
        env "AEP_FLOW_CONNECT_TIMEOUT",
        raised "an unreachable network is noticed late",
        lowered "a slow network counts as unreachable";

        /// How long to wait from the connection to the first byte of the response.
        first_byte_timeout: Duration = Duration::from_secs(60),
        env "AEP_FLOW_FIRST_BYTE_TIMEOUT",
        raised "a platform that does not respond is noticed late",
        lowered "more creates end with an unknown outcome, because the platform asks the source \
                 system before it responds";

        /// How long a request may take to the last byte of its response.
        total_timeout: Duration = Duration::from_secs(120),
        env "AEP_FLOW_TOTAL_TIMEOUT",
        raised "a slow response holds its activity longer",
        lowered "long responses are cut off";

        /// The longest response that is read, in bytes after decompression.
        max_answer_bytes: usize = 16 * 1024 * 1024,
        env "AEP_FLOW_MAX_ANSWER_BYTES",
        raised "a broken response may take that much memory",
        lowered "the columns of a wide table may not fit";

        /// How many requests of this worker to one host may be in flight. Others wait before they
        /// send anything.
        max_concurrent_requests: usize = 64,
        env "AEP_FLOW_MAX_CONCURRENT_REQUESTS",
        raised "the platform responds with 429 sooner",
        lowered "requests wait for each other";

        /// How many entries to request per page of a list.
        page_size: u32 = 100,
        env "AEP_FLOW_PAGE_SIZE",
        raised "a service may refuse it: all of them accept up to 100",
        lowered "listing many resources takes more requests";

        /// How far in the future a dataflow without a start time starts. The platform refuses a
        /// start time that has passed when the request arrives.
        start_margin: Duration = Duration::from_secs(60),
        env "AEP_FLOW_START_MARGIN",
        raised "first runs start later",
        lowered "with a slow network or a clock that is behind, the platform refuses the start time";
    }

    /// The worker: the task queue it polls, and its limits.
    Worker worker {
        /// Task queue that the worker polls and on which `ingest` starts workflows.
        task_queue: String = aep_flow_proto::names::TASK_QUEUE.to_owned(),
        env "AEP_FLOW_WORKER_TASK_QUEUE";

        /// How many activities run at the same time.
        max_concurrent_activities: usize = 100,
        env "AEP_FLOW_WORKER_MAX_CONCURRENT_ACTIVITIES",
        raised "more memory, and the platform responds with 429 sooner",
        lowered "activities wait in the task queue";

        /// How many activities all workers of the task queue together start per second. Others
        /// wait in the task queue. Without it there is no limit.
        max_activities_per_second: Option<f64> = None,
        env "AEP_FLOW_WORKER_MAX_ACTIVITIES_PER_SECOND";

        /// Whether a worker that gets a 429 from the platform slows down all workers of the task
        /// queue. It sets the task queue's rate limit at the Temporal server, raises it once no
        /// request is refused, and then removes it. A rate limit that a person has set stays as
        /// it is. Any worker removes one of these that was left behind. Requires Temporal 1.29.
        share_rate_limit: bool = true,
        env "AEP_FLOW_WORKER_SHARE_RATE_LIMIT";

        /// How many workflow tasks run at the same time, at least 2.
        max_concurrent_workflow_tasks: usize = 100,
        env "AEP_FLOW_WORKER_MAX_CONCURRENT_WORKFLOW_TASKS",
        raised "more memory",
        lowered "workflows wait for each other";

        /// How many workflows stay in memory between their tasks; 0 keeps none.
        max_cached_workflows: usize = 500,
        env "AEP_FLOW_WORKER_MAX_CACHED_WORKFLOWS",
        raised "more memory",
        lowered "a workflow that is evicted is replayed from its first event";

        /// Whether the worker reports each failed attempt that is retried to its ingestion, so
        /// that the status, the current details and `AepLastFailure` show it. This costs one
        /// action for each of the first 20 attempts of a step, then one for every tenth.
        report_attempts: bool = true,
        env "AEP_FLOW_WORKER_REPORT_ATTEMPTS";

        /// How long a worker that stops waits for running activities before it hands them back.
        shutdown_grace: Duration = Duration::from_secs(20),
        env "AEP_FLOW_WORKER_SHUTDOWN_GRACE",
        raised "a stop takes longer; an orchestrator may kill the worker first",
        lowered "more creates are interrupted, and their next attempt must search and wait";
    }

    /// Secrets that inputs refer to, such as `{"env": "OSC_PASSWORD"}`.
    Secrets secrets {
        /// Folder that holds the files of `{"file": "…"}`. Without it, inputs can't use files.
        folder: Option<PathBuf> = None,
        env "AEP_FLOW_SECRETS_FOLDER";

        /// Variables that `{"env": "…"}` may name, such as `OSC_*`; `*` matches any characters.
        /// Without it, inputs can't use variables. The worker's own variables (`AEP_FLOW_…`,
        /// `TEMPORAL_…`, `OTEL_…`, `VAULT_…`, those of proxies) must be named in full.
        env_allow: Vec<String> = Vec::new(),
        env "AEP_FLOW_SECRETS_ENV_ALLOW";

        /// Rules that bind secrets to sources and hosts: tables `[[secrets.rule]]` with `secret`,
        /// `sources` and `hosts`, in which `*` matches any characters; in the environment, the
        /// list of them in TOML. A secret that no rule lets go where an input sends it is refused
        /// before it is read. Without any rule, whoever may start a workflow can send each secret
        /// that inputs may use to a host of their choice: `docs/secrets.md`.
        rule: Vec<SecretRule> = Vec::new(),
        env "AEP_FLOW_SECRETS_RULE";

        /// The longest file that is read as a secret, in bytes.
        max_bytes: usize = 64 * 1024,
        env "AEP_FLOW_SECRETS_MAX_BYTES",
        raised "more is read of a file that is named by mistake",
        lowered "a long key may not fit";
    }

    /// HashiCorp Vault, or OpenBao, for secrets that inputs refer to as
    /// `{"vault": {"path": "…", "key": "…"}}`: its key/value store, version 2. The worker logs in
    /// with a token, with an AppRole or as a Kubernetes service account.
    Vault vault {
        /// Address of Vault: `https`, without a path. Without it, inputs can't use Vault.
        address: Option<Url> = None,
        env "AEP_FLOW_VAULT_ADDRESS";

        /// Paths below the mount that inputs may read, such as `osc/*`; `*` matches any
        /// characters. Required if an address is set, because the worker may read more in Vault
        /// than the author of a workflow.
        allow: Vec<String> = Vec::new(),
        env "AEP_FLOW_VAULT_ALLOW";

        /// Mount of the key/value store.
        mount: String = "secret".to_owned(),
        env "AEP_FLOW_VAULT_MOUNT";

        /// Namespace, for a Vault that has namespaces.
        namespace: Option<String> = None,
        env "AEP_FLOW_VAULT_NAMESPACE";

        /// Token to log in with, renewed as long as Vault allows. The file holds only a
        /// reference, which is read when the worker starts.
        token: Option<SecretString> = None,
        env "AEP_FLOW_VAULT_TOKEN";

        /// Role id of an AppRole to log in with.
        role_id: Option<String> = None,
        env "AEP_FLOW_VAULT_ROLE_ID";

        /// Secret id of that AppRole. The file holds only a reference, which is read when the
        /// worker starts.
        secret_id: Option<SecretString> = None,
        env "AEP_FLOW_VAULT_SECRET_ID";

        /// Role to log in with by Vault's Kubernetes method.
        kubernetes_role: Option<String> = None,
        env "AEP_FLOW_VAULT_KUBERNETES_ROLE";

        /// File with the service account's token, read at each login.
        kubernetes_token_file: Option<PathBuf> =
            Some(PathBuf::from("/var/run/secrets/kubernetes.io/serviceaccount/token")),
        env "AEP_FLOW_VAULT_KUBERNETES_TOKEN_FILE";

        /// Mount of the login method. Without it: `approle` or `kubernetes`.
        login_mount: Option<String> = None,
        env "AEP_FLOW_VAULT_LOGIN_MOUNT";

        /// PEM file of certificate authorities to trust besides the system's.
        ca_certificate: Option<PathBuf> = None,
        env "AEP_FLOW_VAULT_CA_CERTIFICATE";

        /// Allows `http` in the address, for this machine only: for a development server or
        /// Vault's agent.
        allow_insecure: bool = false,
        env "AEP_FLOW_VAULT_ALLOW_INSECURE";

        /// How long one request may take, connection included.
        timeout: Duration = Duration::from_secs(10),
        env "AEP_FLOW_VAULT_TIMEOUT",
        raised "a Vault that does not respond holds its activity longer",
        lowered "a slow Vault counts as unreachable";
    }

    /// The proxy for `https` calls to Adobe and to Vault. Plain `http` calls, which only go to this
    /// machine, never use it.
    Proxy proxy {
        /// Address of the proxy, such as `http://proxy.example:3128`, with user and password if it
        /// requires them. These are never shown, and a file must not contain the password.
        https: Option<ProxyAddress> = None,
        env "AEP_FLOW_PROXY_HTTPS" or "HTTPS_PROXY" or "https_proxy" or "ALL_PROXY" or "all_proxy";

        /// Hosts that are called directly, such as `.internal.example,10.0.0.0/8`.
        bypass: Vec<String> = Vec::new(),
        env "AEP_FLOW_PROXY_BYPASS" or "NO_PROXY" or "no_proxy";
    }

    /// How aep-flow makes sure that each resource is created once.
    Ensure ensure {
        /// How long a create whose response was lost may still take effect. It is sent again only
        /// if nothing appears for this long.
        quiet_period: Duration = Rules::default().quiet_period,
        env "AEP_FLOW_ENSURE_QUIET_PERIOD",
        raised "an ingestion waits longer after a lost response",
        lowered "a resource that appears late is created twice, and the duplicate is deleted";

        /// How long the platform's lists may lag: a resource may be missing after its creation, or
        /// still be listed after its deletion. A create is confirmed only after this time, in case
        /// a second caller creates the same resource. After a lost response, this time passes
        /// after the quiet period before the create is sent again.
        list_lag: Duration = Rules::default().list_lag,
        env "AEP_FLOW_ENSURE_LIST_LAG",
        raised "every create takes longer to be confirmed",
        lowered "two callers at the same moment may get two resources";

        /// A promise that nothing else creates the same resources within the list lag: no workflow
        /// with another id, and no run directly after another. Creates are then confirmed at once,
        /// without a second search.
        sole_caller: bool = Rules::default().sole_caller,
        env "AEP_FLOW_ENSURE_SOLE_CALLER";

        /// How many searches within that time must find nothing.
        looks: u32 = Rules::default().looks,
        env "AEP_FLOW_ENSURE_LOOKS",
        raised "more requests after a lost response",
        lowered "a single stale list is enough to send a create again";

        /// Key of the hash that detects a changed password in a marker. The file holds only a
        /// reference. With it, a run whose password alone has changed warns of that; without it,
        /// the change goes unnoticed. A run under another key warns in the same way.
        fingerprint_key: Option<SecretString> = None,
        env "AEP_FLOW_ENSURE_FINGERPRINT_KEY";
    }

    /// The catalogue of sources: the compiled-in one, and the folder that changes it.
    SourceCatalog catalog {
        /// Folder of files such as those in `catalog/`, one per source, `<name>.toml`: each
        /// replaces the source of its name, or adds one. Read when the worker starts.
        dir: Option<PathBuf> = None,
        env "AEP_FLOW_CATALOG_DIR";
    }

    /// The source systems.
    Source source {
        /// Allows a source at a loopback or link-local address: for an emulator.
        allow_local_hosts: bool = false,
        env "AEP_FLOW_SOURCE_ALLOW_LOCAL_HOSTS";

        /// Accepts sources that Adobe has removed, or whose removal it has announced, without
        /// `acknowledgeDeprecation` in the input.
        acknowledge_deprecation: bool = false,
        env "AEP_FLOW_SOURCE_ACKNOWLEDGE_DEPRECATION";

        /// How long a source's connection specification is cached. It is read before a base
        /// connection is created. Adobe rarely changes a specification, and announces a change
        /// months before.
        spec_ttl: Duration = Duration::from_secs(600),
        env "AEP_FLOW_SOURCE_SPEC_TTL",
        raised "a source that was removed or changed is noticed late, by a refusal of the \
                platform",
        lowered "one more request for most base connections";
    }

    /// The codec, which encrypts payloads and failures before they reach Temporal's server. All
    /// workers and callers of a namespace need the same keys: `docs/encryption.md`.
    Codec codec {
        /// AES-256 keys, each with an id. The first one encrypts, all of them decrypt. Without a
        /// key nothing is encrypted. A key is 32 bytes in base64 or hexadecimal digits. In the
        /// environment: `ID=KEY`, separated by commas or line breaks. The file holds only
        /// references: `keys = [{ id = "2026-11", key = { file = "path" } }]`, or
        /// `keys = { file = "path" }` for a file in the format of the variable.
        keys: Option<KeyRing> = None,
        env "AEP_FLOW_CODEC_KEYS";

        /// Address and port that `aep-flow codec-server` listens on. Without it:
        /// `127.0.0.1:8081`.
        server_listen: Option<SocketAddr> = None,
        env "AEP_FLOW_CODEC_SERVER_LISTEN";

        /// Origins of the web pages that may use the codec server, such as that of the Temporal
        /// UI: `https://temporal.example.com`. Without one, no page may.
        server_origins: Vec<String> = Vec::new(),
        env "AEP_FLOW_CODEC_SERVER_ORIGINS";

        /// Token that a request to the codec server must carry as `Authorization: Bearer TOKEN`.
        /// The file holds only a reference.
        server_token: Option<SecretString> = None,
        env "AEP_FLOW_CODEC_SERVER_TOKEN";

        /// A promise that the codec server is only reachable through a proxy that authenticates
        /// its users. It then needs no token.
        server_behind_proxy: bool = false,
        env "AEP_FLOW_CODEC_SERVER_BEHIND_PROXY";

        /// Lets the codec server run without a token on a loopback address: every user and every
        /// program of this machine can then decrypt. For a machine of your own, because the
        /// Temporal UI can't send a token.
        server_trust_machine: bool = false,
        env "AEP_FLOW_CODEC_SERVER_TRUST_MACHINE";

        /// The longest request that the codec server reads, in bytes.
        server_max_request_bytes: usize = 8 * 1024 * 1024,
        env "AEP_FLOW_CODEC_SERVER_MAX_REQUEST_BYTES",
        raised "each of up to 32 concurrent requests may take several times that memory",
        lowered "the payloads of a long history may not fit";
    }

    /// Probes for an orchestrator: `/healthz` (alive) and `/readyz` (polls, and has a token).
    Health health {
        /// Address and port that serve the probes, such as `0.0.0.0:8078`. Without it they are off.
        listen: Option<SocketAddr> = None,
        env "AEP_FLOW_HEALTH_LISTEN";
    }

    /// Metrics. The standard variables, such as `OTEL_EXPORTER_OTLP_ENDPOINT`, send them to a
    /// collector, as they do traces.
    Metrics metrics {
        /// Address and port that serve `/metrics` to Prometheus, such as `0.0.0.0:9464`. Without
        /// it they are not served.
        listen: Option<SocketAddr> = None,
        env "AEP_FLOW_METRICS_LISTEN";
    }

    /// Logs, which go to stderr.
    Log log {
        /// What is logged, in the syntax of `RUST_LOG`. Example: `info,aep_platform=debug`.
        filter: String = "info,temporalio_sdk=warn,temporalio_sdk_core=warn,temporalio_client=warn".to_owned(),
        env "AEP_FLOW_LOG_FILTER" or "RUST_LOG";

        /// `text`, `json`, or `auto`: text on a terminal, JSON elsewhere.
        format: LogFormat = LogFormat::Auto,
        env "AEP_FLOW_LOG_FORMAT";
    }

    /// The connection to Temporal. Address, namespace, TLS and API key are read from
    /// `temporal.toml` and `TEMPORAL_…`, as in every Temporal tool.
    Temporal temporal {
        /// Compression of the calls to Temporal: `none`, `gzip`, or `auto`: none for a loopback or
        /// private address, gzip for any other. Gzip takes a third of the worker's CPU; without
        /// it more bytes are sent.
        grpc_compression: Compression = Compression::Auto,
        env "AEP_FLOW_TEMPORAL_GRPC_COMPRESSION";
    }
    also {
        /// Flags that override `temporal.toml` and `TEMPORAL_…`.
        overrides: TemporalOverrides;
    }
}

/// Flags that override `temporal.toml` and `TEMPORAL_…`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TemporalOverrides {
    /// Host and port of the server. Example: `localhost:7233`.
    pub address: Option<String>,
    /// Namespace.
    pub namespace: Option<String>,
    /// Profile of the file.
    pub profile: Option<String>,
    /// Path of a `temporal.toml`.
    pub config_file: Option<PathBuf>,
}

fn address(text: &str) -> Url {
    Url::parse(text).expect("a constant address is a URL")
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}
