//! How every request leaves this process: which certificates it trusts, through which proxy it
//! goes, and that no redirect sends it elsewhere.
//!
//! Nothing here reads the environment or a file.

use std::net::IpAddr;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::build_error::BuildError;
use crate::text::clean;
use crate::tls;

/// How long an unused connection is kept. It is shorter than the idle limits of common gateways (60
/// s and more). If the other side closes a connection just when a create is written on it, the
/// effect is unknown; a new handshake costs only a moment.
const POOL_IDLE: Duration = Duration::from_secs(20);

/// The settings that all services share.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The `User-Agent` header.
    pub user_agent: String,
    /// Name, TCP and TLS together.
    pub connect_timeout: Duration,
    /// Certificate authorities in PEM to trust in addition to the system's.
    pub ca_certificate_pem: Option<String>,
    /// The proxy that `https` goes through.
    pub proxy: Option<Proxy>,
}

/// A proxy for `https`. Plain `http` never uses one: it is for this machine alone, and a proxy
/// would carry it over the network in the clear.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// Its address, with user and password if it needs them. Never shown.
    pub url: SecretString,
    /// Hosts that are called without it, in the syntax of `NO_PROXY`.
    pub bypass: Vec<String>,
}

impl Outgoing {
    /// A client with these settings. It follows no redirect and repeats nothing. `is_secure` says
    /// whether some of its requests are `https`.
    ///
    /// # Errors
    /// [`BuildError::WrongCertificate`], [`BuildError::WrongProxy`] and [`BuildError::Http`]; each
    /// is a fault of the configuration.
    pub fn client(&self, is_secure: bool) -> Result<reqwest::Client, BuildError> {
        let mut builder = reqwest::Client::builder()
            .user_agent(&self.user_agent)
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(POOL_IDLE)
            // A redirect could take the token to another host, and no service documents one.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            // Only the caller reads the environment.
            .no_proxy();
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(proxy.build()?);
        }
        let tls = if is_secure {
            tls::config(self.ca_certificate_pem.as_deref())?
        } else {
            // This is for an emulator on this machine only. No certificate authorities are needed,
            // and a container may have none.
            tls::config_without_authorities()?
        };
        builder
            .tls_backend_preconfigured(tls)
            .build()
            .map_err(|error| BuildError::Http {
                reason: clean(&crate::Chain(&error).to_string(), 256),
            })
    }
}

impl Proxy {
    fn build(&self) -> Result<reqwest::Proxy, BuildError> {
        // A parser's error may show the address with its password.
        let wrong = || BuildError::WrongProxy;
        let url = Url::parse(self.url.expose_secret()).map_err(|_| wrong())?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(wrong());
        }
        let proxy = reqwest::Proxy::https(url).map_err(|_| wrong())?;
        Ok(proxy.no_proxy(reqwest::NoProxy::from_string(&self.bypass.join(","))))
    }
}

/// Refuses a service's address that is not plain, or that is neither `https` nor an allowed `http`
/// to this machine. `setting` is the setting's name.
///
/// # Errors
/// [`BuildError::InsecureUrl`] and [`BuildError::WrongUrl`].
pub fn check_address(
    setting: &'static str,
    url: &Url,
    allow_insecure: bool,
) -> Result<(), BuildError> {
    let problem = if url.host_str().is_none_or(str::is_empty) {
        "it has no host"
    } else if !url.username().is_empty() || url.password().is_some() {
        "it has a user name or password"
    } else if url.query().is_some() || url.fragment().is_some() {
        "it has a query or fragment"
    } else {
        let secure = url.scheme() == "https";
        if secure || (url.scheme() == "http" && allow_insecure && is_loopback(url)) {
            return Ok(());
        }
        return Err(BuildError::InsecureUrl {
            setting,
            url: url.to_string(),
        });
    };
    Err(BuildError::WrongUrl { setting, problem })
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(url::Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_that_is_none_is_refused_without_its_password() {
        for url in [
            "socks5://u:hidden@proxy.example",
            "u:hidden@proxy",
            "http://",
        ] {
            let proxy = Proxy {
                url: url.to_owned().into(),
                bypass: Vec::new(),
            };
            let error = proxy.build().unwrap_err();
            let shown = format!("{error} {error:?} {proxy:?}");
            assert!(matches!(error, BuildError::WrongProxy), "{shown}");
            assert!(!shown.contains("hidden"), "{shown}");
        }
    }
}
