//! Whether a source accepts a login.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};

use crate::config::SourceAccount;

/// Secrets that contain a password among other things. They are valid if they contain it as it is,
/// or in Base64, which the tutorials require for key files and private keys.
const CARRIERS: &[&str] = &[
    "connectionString",
    "keyFileContent",
    "privateKey",
    "jwtToken",
];

/// Whether one account has this user name, if there is one, and the password that every secret
/// parameter is or contains. A connection without user name and secrets is accepted: such a source
/// requires nothing.
pub(crate) fn lets_in(
    accounts: &[SourceAccount],
    params: &Map<String, Value>,
    is_secret: impl Fn(&str) -> bool,
) -> bool {
    let secrets: Vec<(&String, &Value)> =
        params.iter().filter(|(name, _)| is_secret(name)).collect();
    let username = params.get("username").and_then(Value::as_str);
    if secrets.is_empty() {
        return username.is_none();
    }
    accounts.iter().any(|account| {
        username.is_none_or(|username| is_user(username, account))
            && secrets
                .iter()
                .all(|(name, secret)| opens(name, secret, account))
    })
}

/// Oracle Eloqua puts the site in front of the user name, with a backslash between them.
fn is_user(username: &str, account: &SourceAccount) -> bool {
    username.rsplit('\\').next() == Some(account.username.as_str())
}

fn opens(name: &str, secret: &Value, account: &SourceAccount) -> bool {
    secret.as_str().is_some_and(|secret| {
        if CARRIERS.contains(&name) {
            secret.contains(&account.password) || decoded(secret).contains(&account.password)
        } else {
            secret == account.password
        }
    })
}

/// The text that Base64 holds; empty if it holds none.
fn decoded(text: &str) -> String {
    let bytes = BASE64_STANDARD.decode(text).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_secret_is_checked() {
        let accounts = [SourceAccount::new("u", "p")];
        let secrets = [
            "password",
            "securityToken",
            "connectionString",
            "clientSecret",
            "privateKey",
        ];
        for (params, expected) in [
            (json!({"username": "u", "password": "p"}), true),
            (json!({"username": "site\\u", "password": "p"}), true),
            (json!({"username": "other", "password": "p"}), false),
            (json!({"username": "u", "password": "wrong"}), false),
            (json!({"username": "u"}), false),
            (
                json!({"username": "u", "password": "p", "securityToken": "p"}),
                true,
            ),
            (
                json!({"username": "u", "password": "p", "securityToken": "wrong"}),
                false,
            ),
            (json!({"clientId": "any", "clientSecret": "p"}), true),
            (json!({"clientId": "any", "clientSecret": "pp"}), false),
            (json!({"clientId": "any", "clientSecret": 1}), false),
            (json!({"connectionString": "Server=h;Pwd=p;"}), true),
            (json!({"connectionString": "Server=h;Pwd=q;"}), false),
            // "key p" and "key q".
            (json!({"privateKey": "a2V5IHA="}), true),
            (json!({"privateKey": "a2V5IHE="}), false),
            (json!({"clientSecret": "cA=="}), false),
            (json!({"url": "https://example.com"}), true),
        ] {
            let given = params.as_object().unwrap();
            let let_in = lets_in(&accounts, given, |name| secrets.contains(&name));
            assert_eq!(let_in, expected, "{params}");
        }
    }
}
