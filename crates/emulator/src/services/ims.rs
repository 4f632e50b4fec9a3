//! The token endpoint.
//!
//! Source: Adobe Developer Console, server-to-server authentication, read 2026-11.

use serde_json::json;
use url::form_urlencoded;

use crate::answer::Answer;
use crate::problem::Problem;
use crate::scene::Scene;
use crate::store::Token;

/// `POST /ims/token/v3`, and v2. The parameters are in the body or in the query.
pub(crate) fn token(scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    let parameter = |name: &str| -> String {
        let in_body = form_urlencoded::parse(&scene.call.body)
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned());
        in_body
            .or_else(|| scene.call.query(name).map(str::to_owned))
            .unwrap_or_default()
    };
    if parameter("grant_type") != "client_credentials" {
        return Err(refusal(
            400,
            "unsupported_grant_type",
            "invalid grant_type parameter",
        ));
    }
    let (id, secret) = (parameter("client_id"), parameter("client_secret"));
    let wrong = scene.config.wrong_secret_status;
    let Some(client) = scene.config.clients.iter().find(|client| client.id == id) else {
        return Err(refusal(
            wrong,
            "invalid_client",
            "invalid client_id parameter",
        ));
    };
    if client.secret != secret {
        return Err(refusal(
            wrong,
            "invalid_client",
            "invalid client_secret parameter",
        ));
    }
    if parameter("scope").is_empty() {
        return Err(refusal(400, "invalid_scope", "missing scope parameter"));
    }
    let lifetime = scene.config.token_lifetime;
    let text = format!("emulated.{}", scene.ids.next_hex(48));
    let token = Token {
        text: text.clone(),
        client_id: id,
        expires_ms: scene.now_ms + i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX / 4),
    };
    scene.store.keep_token(token, scene.now_ms);
    // Adobe responds with 86399 for 24 h: the second in which the token is created doesn't count.
    let expires_in = lifetime.as_secs().saturating_sub(1).max(1);
    let body = json!({"access_token": text, "token_type": "bearer", "expires_in": expires_in});
    Ok(Answer::json(200, body))
}

/// `POST /ims/exchange/jwt`, which Adobe has retired.
pub(crate) fn jwt(_scene: &mut Scene<'_>) -> Result<Answer, Problem> {
    Err(refusal(
        400,
        "invalid_client",
        "JWT credentials are retired",
    ))
}

fn refusal(status: u16, error: &'static str, description: &'static str) -> Problem {
    Problem::Ims {
        status,
        error,
        description,
    }
}
