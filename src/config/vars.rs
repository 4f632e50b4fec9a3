//! Every setting, declared and documented once.
//!
//! `docs/configuration.md` is made from this file: after a change run
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

settings! {
    /// Adobe Experience Platform: where it is, as whom, in which sandbox.
    Aep aep {
        /// Where every service of the platform is.
        platform_url: Url = address("https://platform.adobe.io"),
        env "AEP_FLOW_PLATFORM_URL";

        /// Where access tokens come from.
        ims_url: Url = address("https://ims-na1.adobelogin.com"),
        env "AEP_FLOW_IMS_URL";

        /// The IMS organisation: 24 hexadecimal digits and `@AdobeOrg`.
        org_id: Option<String> = None,
        env "AEP_FLOW_ORG_ID";

        /// Client id of an OAuth server-to-server credential; also the API key of every call.
        client_id: Option<String> = None,
        env "AEP_FLOW_CLIENT_ID";

        /// Client secret of that credential. In the file only as a reference:
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

        /// Sandbox for inputs that name none.
        sandbox: String = "prod".to_owned(),
        env "AEP_FLOW_SANDBOX";

        /// Allows `http` in the two addresses, and only to this machine: for an emulator.
        allow_insecure: bool = false,
        env "AEP_FLOW_ALLOW_INSECURE";

        /// Certificate authorities in PEM to trust besides the system's, such as a company's
        /// proxy.
        ca_certificate: Option<PathBuf> = None,
        env "AEP_FLOW_CA_CERTIFICATE";

        /// How long to wait for name, TCP and TLS together.
        connect_timeout: Duration = Duration::from_secs(10),
        env "AEP_FLOW_CONNECT_TIMEOUT",
        raised "a dead network is noticed late",
        lowered "a slow network is taken for a dead one";

        /// How long to wait from the connection to the first byte of an answer.
        first_byte_timeout: Duration = Duration::from_secs(60),
        env "AEP_FLOW_FIRST_BYTE_TIMEOUT",
        raised "a platform that hangs is noticed late",
        lowered "more creates end with an unknown outcome, since the platform asks the source \
                 system first";

        /// How long a request may take to the last byte of its answer.
        total_timeout: Duration = Duration::from_secs(120),
        env "AEP_FLOW_TOTAL_TIMEOUT",
        raised "an answer that trickles holds its activity longer",
        lowered "long answers are cut off";

        /// The longest answer that is read, in bytes after decompression.
        max_answer_bytes: usize = 16 * 1024 * 1024,
        env "AEP_FLOW_MAX_ANSWER_BYTES",
        raised "a broken answer may take that much memory",
        lowered "the columns of a wide table may not fit";

        /// Requests of this worker to one host that are under way at once. What is one too many
        /// waits in line, and has sent nothing yet.
        max_concurrent_requests: usize = 64,
        env "AEP_FLOW_MAX_CONCURRENT_REQUESTS",
        raised "the platform answers 429 sooner",
        lowered "requests wait for each other";

        /// How many entries a page of a list is asked for.
        page_size: u32 = 100,
        env "AEP_FLOW_PAGE_SIZE",
        raised "a service may refuse it: 100 is the most that all of them take",
        lowered "a look over many resources takes more requests";

        /// How long after now a dataflow without a start time begins: the platform refuses a
        /// start that has passed when the request arrives.
        start_margin: Duration = Duration::from_secs(60),
        env "AEP_FLOW_START_MARGIN",
        raised "first runs come later",
        lowered "a slow network or a clock that is behind makes the platform refuse it";
    }

    /// The worker: what it polls and how much it does at once.
    Worker worker {
        /// Task queue that is polled, and that `ingest` starts workflows on.
        task_queue: String = aep_flow_proto::names::TASK_QUEUE.to_owned(),
        env "AEP_FLOW_WORKER_TASK_QUEUE";

        /// Activities at once.
        max_concurrent_activities: usize = 100,
        env "AEP_FLOW_WORKER_MAX_CONCURRENT_ACTIVITIES",
        raised "memory, and the platform answers 429 sooner",
        lowered "activities wait in the task queue";

        /// Activities that all workers of the task queue together begin in a second; what is
        /// more waits in the task queue. Without it, as many as there are.
        max_activities_per_second: Option<f64> = None,
        env "AEP_FLOW_WORKER_MAX_ACTIVITIES_PER_SECOND";

        /// Whether a worker that the platform answers with 429 slows down all workers of the
        /// task queue: it sets the task queue's rate limit at the server, raises it when
        /// nobody is refused any more, and takes it away. One that was set by hand is left
        /// alone. Needs Temporal 1.29.
        share_rate_limit: bool = true,
        env "AEP_FLOW_WORKER_SHARE_RATE_LIMIT";

        /// Workflow tasks at once, at least 2.
        max_concurrent_workflow_tasks: usize = 100,
        env "AEP_FLOW_WORKER_MAX_CONCURRENT_WORKFLOW_TASKS",
        raised "memory",
        lowered "workflows wait for each other";

        /// Workflows kept in memory between their tasks; 0 keeps none.
        max_cached_workflows: usize = 500,
        env "AEP_FLOW_WORKER_MAX_CACHED_WORKFLOWS",
        raised "memory",
        lowered "a workflow that was dropped is replayed from its first event";

        /// Whether an ingestion is told of each failed attempt that is retried, so that its
        /// status, its current details and `AepLastFailure` show it: an action for each of the
        /// first 20 attempts of a step, then for every tenth.
        report_attempts: bool = true,
        env "AEP_FLOW_WORKER_REPORT_ATTEMPTS";

        /// How long a stopping worker lets running activities go on before it gives them back.
        shutdown_grace: Duration = Duration::from_secs(20),
        env "AEP_FLOW_WORKER_SHUTDOWN_GRACE",
        raised "a stop takes longer; an orchestrator may kill first",
        lowered "more creates are cut off, and their next attempt must look and wait";
    }

    /// Secrets that inputs refer to, such as `{"env": "OSC_PASSWORD"}`.
    Secrets secrets {
        /// Folder below which `{"file": "…"}` is looked up. Without it no file can be named.
        folder: Option<PathBuf> = None,
        env "AEP_FLOW_SECRETS_FOLDER";

        /// Names that `{"env": "…"}` may use, such as `OSC_*`; `*` stands for any characters.
        /// Without it no variable can be named. What the worker itself is told by variables
        /// (`AEP_FLOW_…`, `TEMPORAL_…`, `OTEL_…`, `VAULT_…`, those of proxies) needs to be named
        /// in full.
        env_allow: Vec<String> = Vec::new(),
        env "AEP_FLOW_SECRETS_ENV_ALLOW";

        /// The longest file that is taken for a secret, in bytes.
        max_bytes: usize = 64 * 1024,
        env "AEP_FLOW_SECRETS_MAX_BYTES",
        raised "a file named by mistake is read that far",
        lowered "a long key may not fit";
    }

    /// HashiCorp Vault, or OpenBao, for secrets that inputs refer to as
    /// `{"vault": {"path": "…", "key": "…"}}`: its key/value store, version 2. The worker logs in
    /// by a token, by an AppRole or as a service account of Kubernetes.
    Vault vault {
        /// Where it is, `https` and no path. Without it no secret of Vault's can be named.
        address: Option<Url> = None,
        env "AEP_FLOW_VAULT_ADDRESS";

        /// Paths below the mount that inputs may read, such as `osc/*`; `*` stands for any
        /// characters. Needed where an address is set: what the worker may read at Vault is more
        /// than what a workflow's author may.
        allow: Vec<String> = Vec::new(),
        env "AEP_FLOW_VAULT_ALLOW";

        /// Mount of the key/value store.
        mount: String = "secret".to_owned(),
        env "AEP_FLOW_VAULT_MOUNT";

        /// Namespace, where Vault has such.
        namespace: Option<String> = None,
        env "AEP_FLOW_VAULT_NAMESPACE";

        /// Token to log in with, renewed as long as Vault renews it. In the file only as a
        /// reference, read when the worker starts.
        token: Option<SecretString> = None,
        env "AEP_FLOW_VAULT_TOKEN";

        /// Role id of an AppRole to log in with.
        role_id: Option<String> = None,
        env "AEP_FLOW_VAULT_ROLE_ID";

        /// Secret id of that AppRole. In the file only as a reference, read when the worker starts.
        secret_id: Option<SecretString> = None,
        env "AEP_FLOW_VAULT_SECRET_ID";

        /// Role of Vault's Kubernetes login to log in with.
        kubernetes_role: Option<String> = None,
        env "AEP_FLOW_VAULT_KUBERNETES_ROLE";

        /// File with the service account's token, read at each login.
        kubernetes_token_file: Option<PathBuf> =
            Some(PathBuf::from("/var/run/secrets/kubernetes.io/serviceaccount/token")),
        env "AEP_FLOW_VAULT_KUBERNETES_TOKEN_FILE";

        /// Mount of the login: `approle` or `kubernetes` unless it is another.
        login_mount: Option<String> = None,
        env "AEP_FLOW_VAULT_LOGIN_MOUNT";

        /// Certificate authorities in PEM to trust besides the system's.
        ca_certificate: Option<PathBuf> = None,
        env "AEP_FLOW_VAULT_CA_CERTIFICATE";

        /// Allows `http` in the address, and only to this machine: for a development server or
        /// Vault's agent.
        allow_insecure: bool = false,
        env "AEP_FLOW_VAULT_ALLOW_INSECURE";

        /// How long one request may take, connection included.
        timeout: Duration = Duration::from_secs(10),
        env "AEP_FLOW_VAULT_TIMEOUT",
        raised "a Vault that hangs holds its activity longer",
        lowered "a slow one is taken for one that is away";
    }

    /// The proxy that calls to Adobe and to Vault go through where they are `https`. Plain `http`,
    /// which goes to this machine alone, never takes it.
    Proxy proxy {
        /// Address of the proxy, such as `http://proxy.example:3128`, with user and password where
        /// it wants them; these are not shown, and stand in no file.
        https: Option<ProxyAddress> = None,
        env "AEP_FLOW_PROXY_HTTPS" or "HTTPS_PROXY" or "https_proxy" or "ALL_PROXY" or "all_proxy";

        /// Hosts that are called without it, such as `.internal.example,10.0.0.0/8`.
        bypass: Vec<String> = Vec::new(),
        env "AEP_FLOW_PROXY_BYPASS" or "NO_PROXY" or "no_proxy";
    }

    /// How a create that may have been answered already is made sure of.
    Ensure ensure {
        /// How long nothing may turn up before a create whose answer was lost is sent again.
        quiet_period: Duration = Rules::default().quiet_period,
        env "AEP_FLOW_ENSURE_QUIET_PERIOD",
        raised "an ingestion waits longer after a lost answer",
        lowered "a resource that turns up late is made twice, and swept afterwards";

        /// How long a resource may be missing from the platform's lists after it was made, and
        /// stay in them after it was deleted. A create waits for so long before its answer is
        /// given, in case a second caller made the same; a create whose answer was lost is sent
        /// again only when this has passed after the quiet period.
        list_lag: Duration = Rules::default().list_lag,
        env "AEP_FLOW_ENSURE_LIST_LAG",
        raised "every create takes longer to be answered",
        lowered "two callers at the same moment may get two resources";

        /// A promise that nothing else makes the same resources within the list lag: no second
        /// workflow of another id, no run right behind another. Creates are then answered at
        /// once, with no second look.
        sole_caller: bool = Rules::default().sole_caller,
        env "AEP_FLOW_ENSURE_SOLE_CALLER";

        /// Looks within that time that must all find nothing.
        looks: u32 = Rules::default().looks,
        env "AEP_FLOW_ENSURE_LOOKS",
        raised "more requests after a lost answer",
        lowered "one stale list is enough to send a create again";

        /// Key of the hash by which a changed password is told in a marker. In the file only
        /// as a reference. Without it a change of a password alone goes unnoticed. All workers
        /// of an organisation need the same one.
        fingerprint_key: Option<SecretString> = None,
        env "AEP_FLOW_ENSURE_FINGERPRINT_KEY";
    }

    /// The catalogue of sources: what is compiled in, and what a folder changes of it.
    SourceCatalog catalog {
        /// Folder of files such as those in `catalog/`, one per source, `<name>.toml`: each
        /// replaces the source of its name, or adds one. Read when the worker starts.
        dir: Option<PathBuf> = None,
        env "AEP_FLOW_CATALOG_DIR";
    }

    /// The source systems.
    Source source {
        /// Allows a source on a loopback or link-local address: for an emulator.
        allow_local_hosts: bool = false,
        env "AEP_FLOW_SOURCE_ALLOW_LOCAL_HOSTS";

        /// Goes on with sources that Adobe has dropped, or announced to drop, without
        /// `acknowledgeDeprecation` in the input.
        acknowledge_deprecation: bool = false,
        env "AEP_FLOW_SOURCE_ACKNOWLEDGE_DEPRECATION";

        /// How long what the platform says of a source is taken to be so: its connection
        /// specification, which is read before a base connection is made. Adobe changes one
        /// seldom, and announces it months before.
        spec_ttl: Duration = Duration::from_secs(600),
        env "AEP_FLOW_SOURCE_SPEC_TTL",
        raised "a source that was dropped or changed is noticed late, and refused by the \
                platform itself",
        lowered "a request more for most base connections";
    }

    /// The codec, which encrypts payloads and failures before Temporal's server gets them. All
    /// workers and callers of a namespace need the same keys: `docs/encryption.md`.
    Codec codec {
        /// Keys of AES-256, each with an id; the first one encrypts, each decrypts. Without one
        /// nothing is encrypted. A key is 32 bytes in base64 or hexadecimal digits. In the
        /// environment: `ID=KEY`, more behind commas or on lines of their own. In the file only as
        /// references: `keys = [{ id = "2026-11", key = { file = "path" } }]`, or
        /// `keys = { file = "path" }` for a file that looks as the variable does.
        keys: Option<KeyRing> = None,
        env "AEP_FLOW_CODEC_KEYS";

        /// Address and port that `aep-flow codec-server` listens on. Without it:
        /// `127.0.0.1:8081`.
        server_listen: Option<SocketAddr> = None,
        env "AEP_FLOW_CODEC_SERVER_LISTEN";

        /// Origins of the web pages that may ask the codec server, such as
        /// `https://temporal.example.com`: the Temporal UI's. Without one no page may.
        server_origins: Vec<String> = Vec::new(),
        env "AEP_FLOW_CODEC_SERVER_ORIGINS";

        /// Token that a request to the codec server must have as `Authorization: Bearer TOKEN`. In
        /// the file only as a reference.
        server_token: Option<SecretString> = None,
        env "AEP_FLOW_CODEC_SERVER_TOKEN";

        /// A promise that nobody reaches the codec server but through a proxy that knows who asks.
        /// Without it and without a token the server listens on this machine alone.
        server_behind_proxy: bool = false,
        env "AEP_FLOW_CODEC_SERVER_BEHIND_PROXY";

        /// The longest request that the codec server reads, in bytes.
        server_max_request_bytes: usize = 8 * 1024 * 1024,
        env "AEP_FLOW_CODEC_SERVER_MAX_REQUEST_BYTES",
        raised "each of 32 requests at once may take several times that memory",
        lowered "the payloads of a long history may not fit";
    }

    /// Probes for an orchestrator: `/healthz` (alive) and `/readyz` (polling, token in hand).
    Health health {
        /// Address and port to answer them at, such as `0.0.0.0:8078`. Without it, nowhere.
        listen: Option<SocketAddr> = None,
        env "AEP_FLOW_HEALTH_LISTEN";
    }

    /// Metrics. To a collector they go by the standard variables, such as
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`, as traces do.
    Metrics metrics {
        /// Address and port where Prometheus reads `/metrics`, such as `0.0.0.0:9464`. Without
        /// it, nowhere.
        listen: Option<SocketAddr> = None,
        env "AEP_FLOW_METRICS_LISTEN";
    }

    /// Logs, which go to stderr.
    Log log {
        /// What is logged, in the words of `RUST_LOG`. Example: `info,aep_platform=debug`.
        filter: String = "info,temporalio_sdk=warn,temporalio_sdk_core=warn,temporalio_client=warn".to_owned(),
        env "AEP_FLOW_LOG_FILTER" or "RUST_LOG";

        /// `text`, `json`, or `auto`: text on a terminal, JSON elsewhere.
        format: LogFormat = LogFormat::Auto,
        env "AEP_FLOW_LOG_FORMAT";
    }

    /// The way to Temporal. Address, namespace, TLS and API key are read from `temporal.toml`
    /// and `TEMPORAL_…`, as every Temporal tool reads them.
    Temporal temporal {
        /// Compression of the calls to Temporal: `none`, `gzip`, or `auto`: none to a loopback
        /// or private address, gzip to a distant one. Gzip costs the worker a third of its CPU;
        /// none costs more bytes on the way.
        grpc_compression: Compression = Compression::Auto,
        env "AEP_FLOW_TEMPORAL_GRPC_COMPRESSION";
    }
    also {
        /// What flags say instead of `temporal.toml` and `TEMPORAL_…`.
        overrides: TemporalOverrides;
    }
}

/// What flags say instead of `temporal.toml` and `TEMPORAL_…`.
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
