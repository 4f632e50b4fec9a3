//! The settings of a client: addresses, limits and credentials, all given by the caller.
//!
//! Nothing here reads the environment or a file.

use std::time::Duration;

use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::build_error::BuildError;
use crate::outgoing::{Outgoing, Proxy, check_address};

/// Addresses and limits. [`Settings::new`] has Adobe's production addresses and the defaults.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where every service of the platform is; default `https://platform.adobe.io`.
    pub platform_url: Url,
    /// Where tokens come from; default `https://ims-na1.adobelogin.com`.
    pub ims_url: Url,
    /// The IMS organisation, 24 hex digits and `@AdobeOrg`.
    pub org_id: String,
    /// Allows plain `http`, and only to this machine (`localhost`, `127.0.0.0/8`, `::1`): for an
    /// emulator. Default `false`.
    pub allow_insecure: bool,
    /// Name, TCP and TLS together; default 10 s. Raised: a dead network is noticed late. Lowered: a
    /// slow network counts as dead.
    pub connect_timeout: Duration,
    /// From the connection to the response's first byte; default 60 s. Explore and create call the
    /// source system, which is slow. Lowered: more creates end with an unknown effect.
    pub first_byte_timeout: Duration,
    /// From the beginning of a request, its connection included, to the last byte of its response;
    /// default 120 s. Raised: a response that trickles holds its caller longer. Lowered: long
    /// responses are cut off.
    ///
    /// A write fails within four times this time: it is sent at most twice, as a refused token is
    /// renewed once, and may wait for a token before each send. Only the last send can have taken
    /// effect, and it fails within this time; the platform may still be working on it then. A read
    /// is sent once more if its connection breaks.
    pub total_timeout: Duration,
    /// The longest response that is read, after decompression; default 16 MiB. Lowered: the columns
    /// of a wide table may not fit. Raised: a broken response may use that much memory.
    pub max_answer_bytes: usize,
    /// How many requests to the platform may be in flight at once; default 64. Further requests
    /// wait before anything of them is sent. Raised: the platform responds 429 sooner. Lowered:
    /// requests wait for each other. Requests for tokens are not counted: one token serves all.
    pub max_concurrent_requests: usize,
    /// How many entities to request in a page of a list; default 100, which every service allows.
    pub page_size: u32,
    /// The `User-Agent` header; default `aep-flow/<version>`.
    pub user_agent: String,
    /// Certificate authorities in PEM to trust in addition to the system's, such as that of a
    /// company's proxy.
    pub ca_certificate_pem: Option<String>,
    /// The proxy that `https` goes through; default none.
    pub proxy: Option<Proxy>,
}

impl Settings {
    /// Production addresses and the defaults, for that organisation.
    ///
    /// # Panics
    /// Never: the two addresses are constants.
    #[must_use]
    pub fn new(org_id: impl Into<String>) -> Self {
        let url = |text: &str| Url::parse(text).expect("a constant address is a URL");
        Self {
            platform_url: url("https://platform.adobe.io"),
            ims_url: url("https://ims-na1.adobelogin.com"),
            org_id: org_id.into(),
            allow_insecure: false,
            connect_timeout: Duration::from_secs(10),
            first_byte_timeout: Duration::from_secs(60),
            total_timeout: Duration::from_secs(120),
            max_answer_bytes: 16 * 1024 * 1024,
            max_concurrent_requests: 64,
            page_size: 100,
            user_agent: concat!("aep-flow/", env!("CARGO_PKG_VERSION")).to_owned(),
            ca_certificate_pem: None,
            proxy: None,
        }
    }
}

/// An OAuth server-to-server credential of the Developer Console. Printing it shows no secret.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The client id, which is also the API key of every call.
    pub client_id: String,
    /// The client secret.
    pub client_secret: SecretString,
    /// The scopes that the Developer Console shows for the credential.
    pub scopes: Vec<String>,
}

impl Settings {
    /// What of them is the same for every service.
    #[must_use]
    pub fn outgoing(&self) -> Outgoing {
        Outgoing {
            user_agent: self.user_agent.clone(),
            connect_timeout: self.connect_timeout,
            ca_certificate_pem: self.ca_certificate_pem.clone(),
            proxy: self.proxy.clone(),
        }
    }

    pub(crate) fn check(&self) -> Result<(), BuildError> {
        check_address("platform_url", &self.platform_url, self.allow_insecure)?;
        check_address("ims_url", &self.ims_url, self.allow_insecure)?;
        // Where the JWT exchange was: whoever sets it has credentials of the retired kind.
        if self.ims_url.path().contains("/exchange/jwt") {
            return Err(BuildError::JwtCredentials);
        }
        header_text("org_id", &self.org_id)?;
        header_text("user_agent", &self.user_agent)?;
        for (setting, limit) in [
            ("connect_timeout", self.connect_timeout),
            ("first_byte_timeout", self.first_byte_timeout),
            ("total_timeout", self.total_timeout),
        ] {
            if limit.is_zero() {
                return Err(BuildError::WrongSetting {
                    setting,
                    problem: "must be longer than nothing",
                });
            }
        }
        if self.max_answer_bytes == 0 || self.page_size == 0 || self.max_concurrent_requests == 0 {
            return Err(BuildError::WrongSetting {
                setting: "max_answer_bytes, page_size and max_concurrent_requests",
                problem: "must be greater than zero",
            });
        }
        Ok(())
    }
}

impl Credentials {
    pub(crate) fn check(&self) -> Result<(), BuildError> {
        // A retired credential shows by its private key, its signed token or its metascopes,
        // which are URLs where OAuth scopes are words.
        let secret = self.client_secret.expose_secret();
        let metascope = |scope: &String| scope.contains("/s/ent_") || scope.starts_with("https://");
        if secret.contains("PRIVATE KEY")
            || (secret.starts_with("eyJ") && secret.matches('.').count() == 2)
            || self.scopes.iter().any(metascope)
        {
            return Err(BuildError::JwtCredentials);
        }
        header_text("client_id", &self.client_id)?;
        if secret.is_empty() {
            return Err(BuildError::WrongSetting {
                setting: "client_secret",
                problem: "is empty",
            });
        }
        if self.scopes.iter().all(|scope| scope.trim().is_empty()) {
            return Err(BuildError::WrongSetting {
                setting: "scopes",
                problem: "are missing",
            });
        }
        Ok(())
    }
}

fn header_text(setting: &'static str, text: &str) -> Result<HeaderValue, BuildError> {
    if text.trim().is_empty() {
        return Err(BuildError::WrongSetting {
            setting,
            problem: "is empty",
        });
    }
    HeaderValue::from_str(text).map_err(|_| BuildError::WrongSetting {
        setting,
        problem: "has a character that no header can carry",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(secret: &str, scope: &str) -> Credentials {
        Credentials {
            client_id: "id".to_owned(),
            client_secret: SecretString::from(secret.to_owned()),
            scopes: vec![scope.to_owned()],
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_and_only_when_allowed() {
        let cases = [
            ("https://platform.adobe.io", false, true),
            ("http://platform.adobe.io", true, false),
            ("http://127.0.0.1:8080", false, false),
            ("http://127.0.0.1:8080", true, true),
            ("http://[::1]:8080", true, true),
            ("http://localhost:8080", true, true),
            ("http://localhost.evil.example", true, false),
            ("https://user:pw@platform.adobe.io", true, false),
            ("https://platform.adobe.io?a=b", true, false),
            ("ftp://127.0.0.1", true, false),
        ];
        for (url, allow_insecure, good) in cases {
            let mut settings = Settings::new("ABC@AdobeOrg");
            settings.platform_url = Url::parse(url).unwrap();
            settings.allow_insecure = allow_insecure;
            assert_eq!(settings.check().is_ok(), good, "{url}");
        }
    }

    #[test]
    fn jwt_credentials_are_refused_with_what_to_use() {
        let jwt = [
            credentials("-----BEGIN PRIVATE KEY-----\nabc", "openid"),
            credentials("eyJhbGciOi.eyJpc3Mi.c2ln", "openid"),
            credentials(
                "p8e-x",
                "https://ims-na1.adobelogin.com/s/ent_dataservices_sdk",
            ),
        ];
        for credentials in jwt {
            let error = credentials.check().unwrap_err().to_string();
            assert!(error.contains("OAuth server-to-server"), "{error}");
            assert!(!error.contains("eyJ"));
        }
        let mut settings = Settings::new("ABC@AdobeOrg");
        settings.ims_url = Url::parse("https://ims-na1.adobelogin.com/ims/exchange/jwt").unwrap();
        assert!(matches!(settings.check(), Err(BuildError::JwtCredentials)));
        credentials("p8e-x", "openid").check().unwrap();
    }

    #[test]
    fn credentials_do_not_print_the_secret() {
        let shown = format!("{:?}", credentials("p8e-hidden", "openid"));
        assert!(!shown.contains("hidden"), "{shown}");
    }
}
