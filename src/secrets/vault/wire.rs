//! Vault's HTTP API: requests and responses. Their contents are zeroed when dropped, except in the
//! buffers of the HTTP library.

use std::collections::HashMap;
use std::time::Duration;

use aep_platform::Chain;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use super::{VaultConfigError, VaultError};

/// The longest response that is read; a secret in Vault has at most 1 MiB by default.
const MAX_RESPONSE_BYTES: usize = 2 * 1024 * 1024;

/// The connection to one Vault.
pub(super) struct Wire {
    http: reqwest::Client,
    address: Url,
    namespace: Option<HeaderValue>,
    timeout: Duration,
}

/// Only the address: the HTTP client could show its proxy.
impl std::fmt::Debug for Wire {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Wire")
            .field("address", &self.address.as_str())
            .finish_non_exhaustive()
    }
}

/// The result of a login.
#[derive(Deserialize)]
pub(super) struct Grant {
    #[serde(deserialize_with = "secret_text")]
    pub(super) client_token: SecretString,
    /// Seconds; 0 does not expire.
    pub(super) lease_duration: u64,
    pub(super) renewable: bool,
}

/// What Vault knows about a token.
#[derive(Deserialize)]
pub(super) struct TokenInfo {
    /// Seconds; 0 does not expire.
    pub(super) ttl: u64,
    #[serde(default)]
    pub(super) renewable: bool,
}

/// The value of a key.
pub(super) enum Secret {
    Text(SecretString),
    NotText,
    NoKey,
}

#[derive(Deserialize)]
struct Logged {
    auth: Grant,
}

#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

impl Wire {
    pub(super) fn new(
        http: reqwest::Client,
        address: Url,
        namespace: Option<&str>,
        timeout: Duration,
    ) -> Result<Self, VaultConfigError> {
        let namespace = namespace
            .map(HeaderValue::from_str)
            .transpose()
            .map_err(|_| VaultConfigError::WrongNamespace)?;
        Ok(Self {
            http,
            address,
            namespace,
            timeout,
        })
    }

    /// One value of a secret in the key/value store.
    pub(super) async fn read(
        &self,
        mount: &str,
        path: &str,
        key: &str,
        token: &SecretString,
    ) -> Result<Secret, VaultError> {
        let at = [mount, "data", path];
        let response: Data<Data<HashMap<String, Found>>> =
            self.ask(Method::GET, &at, Some(token), None).await?;
        let mut values = response.data.data;
        Ok(match values.remove(key) {
            Some(Found(Some(text))) => Secret::Text(text),
            Some(Found(None)) => Secret::NotText,
            None => Secret::NoKey,
        })
    }

    /// Logs in at `mount`.
    pub(super) async fn log_in<B: Serialize>(
        &self,
        mount: &str,
        body: &B,
    ) -> Result<Grant, VaultError> {
        // Has room for a Kubernetes token from the start: growing leaves copies that nobody zeroes.
        let mut bytes = Zeroizing::new(Vec::with_capacity(16 * 1024));
        serde_json::to_writer(&mut *bytes, body).map_err(|_| VaultError::Unreadable)?;
        let response: Logged = self
            .ask(Method::POST, &["auth", mount, "login"], None, Some(bytes))
            .await?;
        Ok(response.auth)
    }

    /// Renews the token.
    pub(super) async fn renew(&self, token: &SecretString) -> Result<Grant, VaultError> {
        let at = ["auth", "token", "renew-self"];
        let response: Logged = self.ask(Method::POST, &at, Some(token), None).await?;
        Ok(response.auth)
    }

    /// Looks up the token's lifetime.
    pub(super) async fn look_up(&self, token: &SecretString) -> Result<TokenInfo, VaultError> {
        let at = ["auth", "token", "lookup-self"];
        let response: Data<TokenInfo> = self.ask(Method::GET, &at, Some(token), None).await?;
        Ok(response.data)
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        token: Option<&SecretString>,
        body: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<T, VaultError> {
        let request = self.exchange(method, path, token, body);
        let response = tokio::time::timeout(self.timeout, request)
            .await
            .map_err(|_| VaultError::Unreachable {
                reason: format!("no response within {} s", self.timeout.as_secs_f32()),
            })??;
        serde_json::from_slice(&response).map_err(|_| VaultError::Unreadable)
    }

    async fn exchange(
        &self,
        method: Method,
        path: &[&str],
        token: Option<&SecretString>,
        body: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let mut request = reqwest::Request::new(method, self.url(path));
        let headers = request.headers_mut();
        // Vault requires this of clients that could be tricked into a request.
        headers.insert("x-vault-request", HeaderValue::from_static("true"));
        if let Some(namespace) = &self.namespace {
            headers.insert("x-vault-namespace", namespace.clone());
        }
        if let Some(token) = token {
            headers.insert("x-vault-token", header(token)?);
        }
        if let Some(body) = body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let bytes = bytes::Bytes::from_owner(ZeroedOnDrop(body));
            *request.body_mut() = Some(reqwest::Body::from(bytes));
        }
        let mut response = self.http.execute(request).await.map_err(unreachable)?;
        verdict(response.status())?;
        let announced = response.content_length().map(usize::try_from);
        let limit = match announced {
            Some(Ok(length)) if length <= MAX_RESPONSE_BYTES => length,
            Some(_) => return Err(VaultError::Unreadable),
            None => MAX_RESPONSE_BYTES,
        };
        // Has all its room from the start, as above.
        let mut body = Zeroizing::new(Vec::with_capacity(limit));
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > limit {
                return Err(VaultError::Unreadable);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// The parts of the path, each of one or more segments.
    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.address.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().push("v1");
            segments.extend(path.iter().flat_map(|part| part.split('/')));
        }
        url
    }
}

/// Whether the status is a success, and which error if not.
fn verdict(status: StatusCode) -> Result<(), VaultError> {
    let code = status.as_u16();
    match code {
        200..=299 => Ok(()),
        300..=399 => Err(VaultError::Redirected),
        403 => Err(VaultError::Denied),
        404 => Err(VaultError::Missing),
        // Not in sync yet, or too many requests.
        412 | 429 => Err(VaultError::Unavailable { status: code }),
        // Two kinds of standby, and a sealed Vault.
        472 | 473 | 503 => Err(VaultError::Sealed { status: code }),
        500..=599 => Err(VaultError::Unavailable { status: code }),
        _ => Err(VaultError::Refused { status: code }),
    }
}

fn unreachable(error: reqwest::Error) -> VaultError {
    VaultError::Unreachable {
        reason: Chain(&error.without_url()).to_string(),
    }
}

/// The token as a header that does not print, in memory that is zeroed when dropped.
fn header(token: &SecretString) -> Result<HeaderValue, VaultError> {
    let bytes = Zeroizing::new(token.expose_secret().as_bytes().to_vec());
    let bytes = bytes::Bytes::from_owner(ZeroedOnDrop(bytes));
    // A token with a line feed is not one of Vault's.
    let mut header = HeaderValue::from_maybe_shared(bytes)
        .map_err(|_| VaultError::LoginRefused { status: 0 })?;
    header.set_sensitive(true);
    Ok(header)
}

struct ZeroedOnDrop(Zeroizing<Vec<u8>>);

impl AsRef<[u8]> for ZeroedOnDrop {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// A text, kept as a secret from the start, or nothing if the value is not a text.
struct Found(Option<SecretString>);

impl<'de> Deserialize<'de> for Found {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FoundVisitor)
    }
}

fn secret_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    let Found(text) = Found::deserialize(deserializer)?;
    text.ok_or_else(|| serde::de::Error::custom("no text"))
}

struct FoundVisitor;

impl<'de> Visitor<'de> for FoundVisitor {
    type Value = Found;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Found, E> {
        Ok(Found(Some(SecretString::new(Box::from(text)))))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Found, E> {
        Ok(Found(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Found, E> {
        Ok(Found(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Found, E> {
        Ok(Found(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Found, E> {
        Ok(Found(None))
    }

    fn visit_unit<E>(self) -> Result<Found, E> {
        Ok(Found(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Found, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Found(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Found, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Found(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_below_its_mount() {
        let http = aep_platform::Outgoing {
            user_agent: "test".to_owned(),
            connect_timeout: Duration::from_secs(1),
            ca_certificate_pem: None,
            proxy: None,
        };
        let wire = Wire::new(
            http.client(false).unwrap(),
            "https://vault.example:8200".parse().unwrap(),
            None,
            Duration::from_secs(1),
        )
        .unwrap();
        for (path, expected) in [
            ("osc/emea", "/v1/secret/data/osc/emea"),
            ("osc/a b", "/v1/secret/data/osc/a%20b"),
            // No check lets these through; the URL would not lead out all the same.
            ("osc/../../sys/raw", "/v1/secret/data/osc/sys/raw"),
            ("%2e%2e/sys", "/v1/secret/data/%252e%252e/sys"),
        ] {
            assert_eq!(wire.url(&["secret", "data", path]).path(), expected);
        }
    }

    #[test]
    fn transient_errors_differ_from_permanent_ones() {
        for (status, passes) in [
            (301, false),
            (400, false),
            (403, false),
            (404, false),
            (412, true),
            (429, true),
            (472, true),
            (473, true),
            (500, true),
            (502, true),
            (503, true),
        ] {
            let error = verdict(StatusCode::from_u16(status).unwrap()).unwrap_err();
            assert_eq!(error.is_transient(), passes, "{status}");
        }
    }
}
