//! What each secret is in a run: with all that JSON, addresses, forms and headers write in
//! another way, as far as each may have it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

use super::forms::Secret;

/// The secrets of one run, each unlike all else.
pub(crate) struct Canaries {
    pub(crate) client_secret: String,
    pub(crate) password: String,
    pub(crate) wrong_password: String,
    fingerprint_key: String,
    api_key: String,
    codec_key: String,
    /// What Vault gave, if there is one.
    vault_token: Option<String>,
}

impl Canaries {
    pub(crate) fn new() -> Self {
        let text = |what: &str| format!("{what} \"{}\" a\\b 50%&c/d+e=ü", chance());
        Self {
            client_secret: text("client"),
            password: text("password"),
            wrong_password: text("wrong"),
            fingerprint_key: text("fingerprint"),
            // It goes into a header as it is.
            api_key: format!("apikey-{}", chance()),
            // 32 bytes, as a key has.
            codec_key: chance(),
            vault_token: None,
        }
    }

    pub(crate) fn with_vault_token(mut self, token: String) -> Self {
        self.vault_token = Some(token);
        self
    }

    pub(crate) fn secrets(&self) -> Vec<Secret> {
        let secret = |name, value: &str| Secret {
            name,
            value: value.to_owned(),
        };
        // What an error cuts, or hides but for a part, may show what cannot be mistaken for else.
        let part = |value: &str| secret("a part of one", value.split('"').nth(1).unwrap());
        let mut secrets = vec![
            part(&self.client_secret),
            part(&self.password),
            part(&self.wrong_password),
            part(&self.fingerprint_key),
            secret("client secret", &self.client_secret),
            secret("password", &self.password),
            secret("refused password", &self.wrong_password),
            secret("fingerprint key", &self.fingerprint_key),
            secret("Temporal API key", &self.api_key),
            secret("codec key", &self.codec_key),
        ];
        secrets.extend(
            self.vault_token
                .iter()
                .map(|token| secret("Vault token", token)),
        );
        secrets
    }

    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("AEP_FLOW_CLIENT_SECRET", self.client_secret.clone()),
            (
                "AEP_FLOW_ENSURE_FINGERPRINT_KEY",
                self.fingerprint_key.clone(),
            ),
            ("OSC_PASSWORD", self.password.clone()),
            ("AEP_FLOW_SECRETS_ENV_ALLOW", "OSC_*".to_owned()),
            ("TEMPORAL_API_KEY", self.api_key.clone()),
            // Our server speaks no TLS, which a key asks for.
            ("TEMPORAL_TLS", "false".to_owned()),
        ];
        if let Some(token) = &self.vault_token {
            variables.push(("AEP_FLOW_VAULT_TOKEN", token.clone()));
        }
        variables
    }

    /// What has payloads encrypted.
    pub(crate) fn codec(&self) -> (&'static str, String) {
        let key = STANDARD.encode(&self.codec_key);
        ("AEP_FLOW_CODEC_KEYS", format!("canary={key}"))
    }
}

fn chance() -> String {
    Uuid::new_v4().simple().to_string()
}
