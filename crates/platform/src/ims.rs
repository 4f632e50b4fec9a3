//! The token request and its response, as values.
//!
//! Source: "Server to Server authentication" of the Developer Console guides, read 2026-11. The
//! parameters are in the body, as queries get logged.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use crate::error::End;
use crate::refusal::PlatformRefusal;
use crate::request::{SecretBytes, encode};
use crate::response::{Response, UnreadableResponse};
use crate::settings::Credentials;
use crate::token::Grant;
use crate::transport::WireRequest;

const TOKEN_PATH: &str = "/ims/token/v3";

/// A value above this can't be seconds: older responses gave milliseconds.
const MAX_EXPIRES_IN_SECONDS: u64 = 1_000_000;

pub(crate) fn build(ims_url: &Url, credentials: &Credentials) -> WireRequest {
    let mut body = Zeroizing::new(String::with_capacity(1024));
    body.push_str("grant_type=client_credentials&client_id=");
    body.push_str(&encode(&credentials.client_id));
    body.push_str("&client_secret=");
    body.push_str(&Zeroizing::new(encode(
        credentials.client_secret.expose_secret(),
    )));
    body.push_str("&scope=");
    body.push_str(&encode(&credentials.scopes.join(",")));
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let mut url = ims_url.clone();
    let base = url.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{base}{TOKEN_PATH}"));
    WireRequest {
        method: Method::POST,
        url,
        template: TOKEN_PATH.to_owned(),
        headers,
        body: Some(Bytes::from_owner(SecretBytes(Zeroizing::new(
            body.as_bytes().to_vec(),
        )))),
    }
}

pub(crate) fn parse(
    response: &Response,
    now: SystemTime,
    credentials: &Credentials,
) -> Result<Grant, End> {
    if !response.status.is_success() {
        let secrets = std::slice::from_ref(&credentials.client_secret);
        return Err(End::Refused(Box::new(PlatformRefusal::read(
            response, now, secrets,
        ))));
    }
    read(response).map_err(|cause| End::Unreadable {
        status: response.status.as_u16(),
        request_id: response.request_id(),
        cause,
    })
}

fn read(response: &Response) -> Result<Grant, UnreadableResponse> {
    let mut body = response.json()?;
    let token = match body.get_mut("access_token") {
        Some(Value::String(token)) if !token.is_empty() => Zeroizing::new(std::mem::take(token)),
        Some(_) | None => return Err(UnreadableResponse::shape("`access_token` is missing")),
    };
    let expires_in = body
        .get("expires_in")
        .and_then(|value| match value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        })
        .filter(|seconds| *seconds > 0)
        .ok_or_else(|| UnreadableResponse::shape("`expires_in` is missing"))?;
    let life = if expires_in > MAX_EXPIRES_IN_SECONDS {
        Duration::from_millis(expires_in.min(MAX_EXPIRES_IN_SECONDS * 1000))
    } else {
        Duration::from_secs(expires_in)
    };
    let bearer = Zeroizing::new([b"Bearer ", token.as_bytes()].concat());
    // The header shares these bytes and does not copy them.
    let mut authorization = HeaderValue::from_maybe_shared(Bytes::from_owner(SecretBytes(bearer)))
        .map_err(|_| UnreadableResponse::shape("`access_token` is no header value"))?;
    authorization.set_sensitive(true);
    Ok(Grant {
        authorization,
        life,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::response::response;

    fn credentials() -> Credentials {
        Credentials {
            client_id: "id".to_owned(),
            client_secret: "p8e+&=".to_owned().into(),
            scopes: vec!["openid".to_owned(), "read_organizations".to_owned()],
        }
    }

    #[test]
    fn the_secret_is_in_the_body_and_not_in_the_address() {
        let wire = build(
            &Url::parse("https://ims.example/base/").unwrap(),
            &credentials(),
        );
        assert_eq!(wire.url.as_str(), "https://ims.example/base/ims/token/v3");
        assert_eq!(
            wire.body.as_deref(),
            Some(
                b"grant_type=client_credentials&client_id=id&client_secret=p8e%2B%26%3D\
                  &scope=openid%2Cread_organizations"
                    .as_slice()
            )
        );
    }

    #[test]
    fn the_life_is_in_seconds_or_in_the_old_milliseconds() {
        let cases = [
            (
                r#"{"access_token":"t","expires_in":86399}"#,
                Some(86_399_000),
            ),
            (
                r#"{"access_token":"t","expires_in":"86399"}"#,
                Some(86_399_000),
            ),
            (
                r#"{"access_token":"t","expires_in":86399992}"#,
                Some(86_399_992),
            ),
            (r#"{"access_token":"t"}"#, None),
            (r#"{"access_token":"","expires_in":1}"#, None),
            (r#"{"access_token":"a\nb","expires_in":1}"#, None),
            ("[]", None),
        ];
        for (body, expected) in cases {
            let grant = parse(
                &response(200, Some("application/json"), body),
                SystemTime::UNIX_EPOCH,
                &credentials(),
            );
            let life = grant.ok().map(|grant| grant.life.as_millis());
            assert_eq!(life, expected, "{body}");
        }
    }
}
