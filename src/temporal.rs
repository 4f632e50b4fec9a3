//! Connects to a Temporal server.
//!
//! The SDK reads address, namespace, TLS and API key from `temporal.toml` and `TEMPORAL_…`, so that
//! this tool connects to the same server as every other Temporal tool.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use temporalio_client::envconfig::{
    ClientConfigProfile, ConfigError, DataSource, LoadClientConfigProfileOptions,
};
use temporalio_client::errors::ClientConnectError;
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions, GrpcCompression};
use temporalio_common::envconfig::load_client_config_profile;
use temporalio_common::telemetry::metrics::TemporalMeter;
use url::Url;

use temporalio_sdk::SimplePlugin;

use crate::{
    codec::{self, Opening},
    config::{Compression, Config, TemporalOverrides},
    telemetry,
};

// Long enough for a distant server on a bad line. Without it, a firewall that drops packets would
// block a command for minutes.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The Temporal server to connect to, without its secrets.
#[derive(Debug, Clone)]
pub struct Target {
    /// Address of the server.
    pub address: Url,
    /// Namespace.
    pub namespace: String,
    options: ConnectionOptions,
}

/// Why there is no connection to Temporal.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// `temporal.toml`, a variable or a flag is wrong.
    #[error("the Temporal configuration can't be used: {problem}")]
    Configuration {
        /// What is wrong.
        problem: String,
    },
    /// There is no response.
    #[error("no Temporal server responds at {address}")]
    Unreachable {
        /// Address of the server.
        address: Url,
        /// The transport's error.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server responds and refuses the credentials.
    #[error("the Temporal server at {address} refuses the credentials: {problem}")]
    Refused {
        /// Address of the server.
        address: Url,
        /// The server's message.
        problem: String,
    },
}

impl ConnectError {
    /// What to do about it.
    #[must_use]
    pub fn next_step(&self) -> String {
        match self {
            Self::Configuration { .. } => {
                "correct `temporal.toml`, the variables `TEMPORAL_…` or the flags".to_owned()
            }
            Self::Unreachable { .. } => {
                "start a server with `temporal server start-dev`, or name one with \
                 `--address HOST:PORT`, `TEMPORAL_ADDRESS` or a profile in `temporal.toml`"
                    .to_owned()
            }
            Self::Refused { .. } => {
                "set `TEMPORAL_API_KEY`, or the client certificate in `temporal.toml`".to_owned()
            }
        }
    }
}

/// A client of the server and namespace that the configuration names.
///
/// # Errors
/// [`ConnectError::Configuration`] before anything is sent; [`ConnectError::Unreachable`] if there is
/// no response within ten seconds, try again; [`ConnectError::Refused`] if the server requires other
/// credentials.
pub async fn connect(config: &Config) -> Result<Client, ConnectError> {
    let target = Target::read(config, None)?;
    connect_to(target, config, Watch::default()).await
}

/// The same with telemetry: its calls belong to a trace if this process sends any, and `meter` counts
/// and times them.
///
/// # Errors
/// Those of [`connect`].
pub async fn connect_with_telemetry(
    config: &Config,
    meter: Option<TemporalMeter>,
) -> Result<Client, ConnectError> {
    let target = Target::read(config, None)?;
    let watch = Watch {
        tracing: telemetry::temporal_plugin(),
        meter,
    };
    connect_to(target, config, watch).await
}

/// The telemetry of a client's calls.
#[derive(Default)]
pub(crate) struct Watch {
    tracing: Option<SimplePlugin>,
    meter: Option<TemporalMeter>,
}

pub(crate) async fn connect_to(
    target: Target,
    config: &Config,
    watch: Watch,
) -> Result<Client, ConnectError> {
    let Target {
        address,
        namespace,
        mut options,
    } = target;
    options.grpc_compression = match config.temporal.grpc_compression {
        Compression::None => GrpcCompression::None,
        Compression::Gzip => GrpcCompression::Gzip,
        Compression::Auto if is_near(&address).await => GrpcCompression::None,
        Compression::Auto => GrpcCompression::Gzip,
    };
    options.connect_timeout = Some(CONNECT_TIMEOUT);
    options.identity = identity();
    options.metrics_meter = watch.meter;
    // The limit above is for each TCP connection; this one is for everything.
    let connection = tokio::time::timeout(CONNECT_TIMEOUT * 2, Connection::connect(options))
        .await
        .map_err(|elapsed| ConnectError::Unreachable {
            address: address.clone(),
            cause: elapsed.into(),
        })?
        .map_err(|error| explain(error, &address))?;
    let keys = config.codec.keys.as_ref();
    let options = ClientOptions::new(namespace)
        // Workers inherit the plugin from the client.
        .plugins(watch.tracing)
        .data_converter(codec::data_converter(keys))
        .client_interceptors(keys.cloned().map(Opening::with).into_iter().collect())
        .build();
    Client::new(connection, options).map_err(|error| ConnectError::Configuration {
        problem: error.to_string(),
    })
}

impl Target {
    /// Reads which server to connect to; in tests `environment` replaces the process's own.
    ///
    /// # Errors
    /// [`ConnectError::Configuration`].
    pub fn read(
        config: &Config,
        environment: Option<&HashMap<String, String>>,
    ) -> Result<Self, ConnectError> {
        let profile = profile(&config.temporal.overrides, environment)?;
        let namespace = profile
            .namespace
            .clone()
            .filter(|namespace| !namespace.is_empty())
            .unwrap_or_else(|| "default".to_owned());
        let options = ConnectionOptions::try_from(profile).map_err(|error| malformed(&error))?;
        Ok(Self {
            address: options.target.clone(),
            namespace,
            options,
        })
    }
}

fn profile(
    overrides: &TemporalOverrides,
    environment: Option<&HashMap<String, String>>,
) -> Result<ClientConfigProfile, ConnectError> {
    let source = match &overrides.config_file {
        None => None,
        // The SDK treats a missing file as empty, but a named file must exist.
        Some(file) if !file.is_file() => {
            return Err(ConnectError::Configuration {
                problem: format!("the file `{}` does not exist", file.display()),
            });
        }
        Some(file) => Some(DataSource::Path(file.display().to_string())),
    };
    let options = LoadClientConfigProfileOptions::builder()
        .maybe_config_source(source)
        .maybe_config_file_profile(overrides.profile.clone())
        .build();
    let mut profile =
        load_client_config_profile(options, environment).map_err(|error| malformed(&error))?;
    if let Some(address) = &overrides.address {
        profile.address = Some(address.clone());
    }
    if let Some(namespace) = &overrides.namespace {
        profile.namespace = Some(namespace.clone());
    }
    // In compose files, an empty variable means that it is not set.
    profile.address = profile.address.filter(|address| !address.is_empty());
    profile.api_key = profile.api_key.filter(|key| !key.is_empty());
    let is_unverified = profile
        .tls
        .as_ref()
        .is_some_and(|tls| tls.disable_host_verification && tls.disabled != Some(true));
    if is_unverified {
        // The SDK reads the setting but does not apply it.
        return Err(ConnectError::Configuration {
            problem: "`disable_host_verification` is not supported; give the server's \
                      certificate authority in `server_ca_cert_path` instead"
                .to_owned(),
        });
    }
    Ok(profile)
}

fn malformed(error: &ConfigError) -> ConnectError {
    let problem = match error {
        // The parser's text shows the line, which may contain an API key.
        ConfigError::LoadError(cause) => cause.downcast_ref::<toml::de::Error>().map_or_else(
            || first_line(cause.as_ref()),
            |error| error.message().to_owned(),
        ),
        ConfigError::ProfileNotFound(name) => format!("it has no profile `{name}`"),
        ConfigError::InvalidConfig(problem) => problem.clone(),
    };
    ConnectError::Configuration { problem }
}

fn first_line(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

fn explain(error: ClientConnectError, address: &Url) -> ConnectError {
    let address = address.clone();
    match error {
        ClientConnectError::TonicTransportError(cause) => ConnectError::Unreachable {
            address,
            cause: cause.into(),
        },
        ClientConnectError::DnsResolutionError { source, .. } => ConnectError::Unreachable {
            address,
            cause: source.into(),
        },
        ClientConnectError::SystemInfoCallError(status) => {
            use temporalio_client::tonic::Code;
            match status.code() {
                Code::Unauthenticated | Code::PermissionDenied => ConnectError::Refused {
                    address,
                    problem: status.message().to_owned(),
                },
                _ => ConnectError::Unreachable {
                    address,
                    cause: status.message().into(),
                },
            }
        }
        other => ConnectError::Configuration {
            problem: other.to_string(),
        },
    }
}

/// Our identity in the Temporal UI, in the format of the other SDKs.
pub(crate) fn identity() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match host.trim() {
        "" => format!("aep-flow@{}", std::process::id()),
        host => format!("{}@{host}", std::process::id()),
    }
}

/// Whether every address of the host is on this machine or in a private network.
async fn is_near(address: &Url) -> bool {
    let port = address.port_or_known_default().unwrap_or(7233);
    match address.host() {
        Some(url::Host::Ipv4(ip)) => is_near_ip(IpAddr::V4(ip)),
        Some(url::Host::Ipv6(ip)) => is_near_ip(IpAddr::V6(ip)),
        Some(url::Host::Domain(name)) => match tokio::net::lookup_host((name, port)).await {
            Ok(found) => {
                let found: Vec<IpAddr> = found.map(|each| each.ip()).collect();
                !found.is_empty() && found.into_iter().all(is_near_ip)
            }
            Err(_) => false,
        },
        None => false,
    }
}

fn is_near_ip(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            ip.is_loopback() || ip.is_private() || ip.is_link_local() || is_shared(ip)
        }
        IpAddr::V6(ip) => is_near_v6(ip),
    }
}

/// 100.64.0.0/10, which clusters use for their pods (RFC 6598).
fn is_shared(ip: Ipv4Addr) -> bool {
    let [first, second, ..] = ip.octets();
    first == 100 && (64..128).contains(&second)
}

fn is_near_v6(ip: Ipv6Addr) -> bool {
    ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(
        overrides: TemporalOverrides,
        environment: &[(&str, &str)],
    ) -> Result<Target, ConnectError> {
        let mut config = Config::default();
        config.temporal.overrides = overrides;
        // Ignores the file of the person who runs the test.
        let mut map = HashMap::from([(
            "TEMPORAL_CONFIG_FILE".to_owned(),
            "/nowhere/temporal.toml".to_owned(),
        )]);
        for (name, value) in environment {
            map.insert((*name).to_owned(), (*value).to_owned());
        }
        Target::read(&config, Some(&map))
    }

    #[test]
    fn flags_win_over_the_environment() {
        let environment = [
            ("TEMPORAL_ADDRESS", "env.example:7233"),
            ("TEMPORAL_NAMESPACE", "env"),
        ];
        let from_env = target(TemporalOverrides::default(), &environment).unwrap();
        assert_eq!(from_env.address.as_str(), "http://env.example:7233/");
        assert_eq!(from_env.namespace, "env");
        let overrides = TemporalOverrides {
            address: Some("flag.example:1".to_owned()),
            namespace: Some("flag".to_owned()),
            ..TemporalOverrides::default()
        };
        let from_flags = target(overrides, &environment).unwrap();
        assert_eq!(from_flags.address.as_str(), "http://flag.example:1/");
        assert_eq!(from_flags.namespace, "flag");
    }

    #[test]
    fn a_profile_of_a_file_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            file.path(),
            "[profile.cloud]\naddress = \"x.tmprl.cloud:7233\"\nnamespace = \"n\"\napi_key = \"k\"\n",
        )
        .unwrap();
        let overrides = |profile: &str| TemporalOverrides {
            config_file: Some(file.path().to_owned()),
            profile: Some(profile.to_owned()),
            ..TemporalOverrides::default()
        };
        let cloud = target(overrides("cloud"), &[]).unwrap();
        assert_eq!(cloud.address.as_str(), "https://x.tmprl.cloud:7233/");
        let error = target(overrides("clod"), &[]).unwrap_err().to_string();
        assert!(error.contains("no profile `clod`"), "{error}");
    }

    #[test]
    fn a_broken_file_does_not_show_its_key() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[profile.default]\napi_key = \"hidden\n").unwrap();
        let overrides = TemporalOverrides {
            config_file: Some(file.path().to_owned()),
            ..TemporalOverrides::default()
        };
        let error = target(overrides, &[]).unwrap_err().to_string();
        assert!(!error.contains("hidden"), "{error}");
    }

    #[test]
    fn a_file_that_was_named_must_be_there() {
        let overrides = TemporalOverrides {
            config_file: Some("/nowhere/temporal.toml".into()),
            ..TemporalOverrides::default()
        };
        let error = target(overrides, &[]).unwrap_err().to_string();
        assert!(error.contains("does not exist"), "{error}");
    }

    #[tokio::test]
    async fn compression_is_for_distant_servers() {
        for (address, near) in [
            ("http://127.0.0.1:7233", true),
            ("http://localhost:7233", true),
            ("http://10.1.2.3:7233", true),
            ("http://192.168.0.9:7233", true),
            ("http://100.100.0.1:7233", true),
            ("http://[::1]:7233", true),
            ("http://[fd00::1]:7233", true),
            ("http://[::ffff:10.0.0.1]:7233", true),
            ("https://8.8.8.8:7233", false),
            ("https://[2001:4860:4860::8888]:7233", false),
        ] {
            let address = Url::parse(address).unwrap();
            assert_eq!(is_near(&address).await, near, "{address}");
        }
    }

    #[tokio::test]
    async fn nobody_at_the_address_is_said_with_the_address() {
        let overrides = TemporalOverrides {
            // Port 1 is never a Temporal server.
            address: Some("127.0.0.1:1".to_owned()),
            ..TemporalOverrides::default()
        };
        let target = target(overrides, &[]).unwrap();
        let error = connect_to(target, &Config::default(), Watch::default())
            .await
            .unwrap_err();
        assert!(
            matches!(&error, ConnectError::Unreachable { address, .. } if address.port() == Some(1)),
            "{error:?}"
        );
    }
}
