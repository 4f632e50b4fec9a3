//! Removes secrets from what the journal and the state show.

use serde_json::Value;
use url::form_urlencoded;

use crate::backdrop;

/// What replaces a secret.
pub(crate) const MASK: &str = "******";

/// Names of parameters that are always secret, in lower case.
const SECRET_NAMES: &[&str] = &[
    "password",
    "passwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "privatekey",
    "private_key",
    "clientsecret",
    "client_secret",
    "access_token",
    "accesstoken",
    "refresh_token",
    "refreshtoken",
    "securitytoken",
    "jwt_token",
    "connectionstring",
];

/// Whether a parameter of this name holds a secret, judged without a spec.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES
        .iter()
        .any(|secret| name == *secret || name.ends_with(secret))
}

/// The same JSON with its secrets masked. In `auth.params` everything that isn't known to be plain
/// is masked.
pub(crate) fn masked(value: &Value) -> Value {
    mask_in(value, false)
}

fn mask_in(value: &Value, in_auth: bool) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, inner)| {
                let secret =
                    is_secret_name(name) || (in_auth && inner.is_string() && !is_plain(name));
                let shown = match inner {
                    Value::Null => Value::Null,
                    _ if secret => Value::from(MASK),
                    _ => mask_in(
                        inner,
                        in_auth || name == "auth" || is_auth_patch(fields, name),
                    ),
                };
                (name.clone(), shown)
            })
            .collect(),
        Value::Array(items) => items.iter().map(|item| mask_in(item, in_auth)).collect(),
        // The value of a JSON Patch of one credential is a plain string.
        _ => value.clone(),
    }
}

/// Names that occur in `auth` and are not secret.
fn is_plain(name: &str) -> bool {
    matches!(name, "specName" | "type") || backdrop::is_plain_param(name)
}

/// Whether `name` is the value of a patch of something below `/auth`.
fn is_auth_patch(fields: &serde_json::Map<String, Value>, name: &str) -> bool {
    let path = fields
        .get("path")
        .and_then(Value::as_str)
        .unwrap_or_default();
    name == "value" && path.starts_with("/auth")
}

/// A JSON body as the journal shows it: masked, including credentials that are patched one by one.
pub(crate) fn masked_body(body: &[u8]) -> Option<Value> {
    let mut value = masked(&serde_json::from_slice(body).ok()?);
    if let Value::Array(operations) = &mut value {
        for operation in operations {
            let path = operation["path"].as_str().unwrap_or_default();
            if path.starts_with("/auth/") && operation["value"].is_string() {
                operation["value"] = Value::from(MASK);
            }
        }
    }
    Some(value)
}

/// A path and query with masked secrets. IMS accepts a client secret in its query.
pub(crate) fn masked_query(path_and_query: &str) -> String {
    let Some((path, query)) = path_and_query.split_once('?') else {
        return path_and_query.to_owned();
    };
    let has_secret = form_urlencoded::parse(query.as_bytes())
        .any(|(name, _)| is_secret_name(&name) && name != "continuationToken");
    if !has_secret {
        return path_and_query.to_owned();
    }
    let mut shown = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let secret = is_secret_name(&name) && name != "continuationToken";
        shown.append_pair(&name, if secret { MASK } else { &value });
    }
    format!("{path}?{}", shown.finish())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn credentials_are_masked_everywhere() {
        for body in [
            json!({"auth": {"specName": "Basic Authentication", "params": {"host": "h", "username": "u", "password": "hidden"}}}),
            json!({"auth": {"params": {"odd": "hidden"}}}),
            json!([{"op": "replace", "path": "/auth/params", "value": {"username": "u", "key": "hidden"}}]),
            json!([{"op": "replace", "path": "/auth/params/key", "value": "hidden"}]),
            json!({"clientSecret": "hidden"}),
        ] {
            let shown = masked_body(body.to_string().as_bytes())
                .unwrap()
                .to_string();
            assert!(!shown.contains("hidden"), "{shown}");
        }
    }

    #[test]
    fn plain_values_are_not_masked() {
        let body = json!({"name": "a", "auth": {"specName": "Basic Authentication", "params": {"host": "h", "username": "u"}}});
        assert_eq!(masked(&body), body);
    }

    #[test]
    fn a_secret_in_a_query_is_masked() {
        assert_eq!(
            masked_query("/ims/token/v2?client_id=a&client_secret=hidden"),
            "/ims/token/v2?client_id=a&client_secret=******"
        );
        assert_eq!(
            masked_query("/connections?continuationToken=abc"),
            "/connections?continuationToken=abc"
        );
    }
}
