//! Tokens, headers, organisations, sandboxes, rights.

use std::time::Duration;

use aep_emulator::{
    Client, Config, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, ExpiredToken, MissingSandbox, Rights,
};
use reqwest::Method;
use serde_json::json;

use crate::support::*;

fn form<'a>(id: &'a str, secret: &'a str) -> Vec<(&'static str, &'a str)> {
    vec![
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", secret),
        ("scope", "openid"),
    ]
}

#[tokio::test]
async fn a_token_needs_the_secret() {
    let aep = Aep::start().await;
    let url = format!("{}/ims/token/v3", aep.emulator.url());
    let good = send(
        aep.http
            .post(&url)
            .form(&form(DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET)),
    )
    .await;
    assert_eq!(good.status, 200);
    assert_eq!(good.body["token_type"], "bearer");
    assert_eq!(good.body["expires_in"], 86_399);
    for (id, secret, description) in [
        (
            DEFAULT_CLIENT_ID,
            "wrong",
            "invalid client_secret parameter",
        ),
        (
            "wrong",
            DEFAULT_CLIENT_SECRET,
            "invalid client_id parameter",
        ),
    ] {
        let refused = send(aep.http.post(&url).form(&form(id, secret))).await;
        assert_eq!(refused.status, 400);
        assert_eq!(
            refused.body,
            json!({"error": "invalid_client", "error_description": description})
        );
    }
    let without_scope = &form(DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET)[..3];
    let refused = send(aep.http.post(&url).form(without_scope)).await;
    assert_eq!(refused.body["error"], "invalid_scope");
}

#[tokio::test]
async fn the_old_token_path_takes_its_parameters_in_the_query() {
    let aep = Aep::start().await;
    let url = format!("{}/ims/token/v2", aep.emulator.url());
    let parameters = form(DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET);
    let reply = send(aep.http.post(&url).query(&parameters)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let shown = aep.emulator.journal().last().unwrap().path.clone();
    assert!(!shown.contains(DEFAULT_CLIENT_SECRET), "{shown}");
    let jwt = send(
        aep.http
            .post(format!("{}/ims/exchange/jwt", aep.emulator.url())),
    )
    .await;
    assert_eq!(
        (jwt.status, jwt.body["error"].as_str()),
        (400, Some("invalid_client"))
    );
}

#[tokio::test]
async fn each_header_is_demanded() {
    let aep = Aep::start().await;
    let url = format!("{}{FLOW}/connections", aep.emulator.url());
    let all = [
        ("authorization", format!("Bearer {}", aep.token)),
        ("x-api-key", DEFAULT_CLIENT_ID.to_owned()),
        ("x-gw-ims-org-id", aep_emulator::DEFAULT_ORG.to_owned()),
        ("x-sandbox-name", "prod".to_owned()),
    ];
    let with = |changed: &str, value: Option<&str>| {
        let mut request = aep.http.get(&url);
        for (name, good) in &all {
            match (changed == *name, value) {
                (false, _) => request = request.header(*name, good),
                (true, Some(value)) => request = request.header(*name, value),
                (true, None) => {}
            }
        }
        send(request)
    };
    assert_eq!(with("", None).await.status, 200);
    for (header, value, status, code) in [
        ("authorization", None, 403, "403010"),
        ("authorization", Some("Bearer wrong"), 401, "401013"),
        ("x-api-key", None, 403, "403000"),
        ("x-api-key", Some("wrong"), 403, "403003"),
        ("x-gw-ims-org-id", None, 400, "400003"),
        ("x-gw-ims-org-id", Some("nonsense"), 403, "403027"),
        ("x-gw-ims-org-id", Some("ABC@AdobeOrg"), 403, "403025"),
    ] {
        let reply = with(header, value).await;
        assert_eq!(reply.status, status, "{header}: {reply:?}");
        assert_eq!(reply.body["error_code"], code, "{header}");
        assert!(reply.headers.contains_key("x-request-id"));
    }
    for (value, code) in [
        (None, "FLOW-2105-400"),
        (Some("nowhere"), "FLOW-2100-404"),
        (Some("resetting"), "FLOW-2101-404"),
    ] {
        let reply = with("x-sandbox-name", value).await;
        assert_eq!(reply.code(), code, "{reply:?}");
    }
    let with_id = aep
        .request(Method::GET, &format!("{FLOW}/connections"))
        .header("x-sandbox-id", "1");
    assert_eq!(send(with_id).await.code(), "FLOW-2110-400");
}

#[tokio::test]
async fn a_missing_sandbox_can_mean_the_default_one() {
    let config = Config {
        missing_sandbox: MissingSandbox::IsDefault,
        ..Config::default()
    };
    let aep = Aep::with(config).await;
    aep.base_connection("in prod").await;
    let request = aep
        .http
        .get(format!("{}{FLOW}/connections", aep.emulator.url()))
        .bearer_auth(&aep.token)
        .header("x-api-key", DEFAULT_CLIENT_ID)
        .header("x-gw-ims-org-id", aep_emulator::DEFAULT_ORG);
    assert_eq!(send(request).await.names(), ["in prod"]);
}

#[tokio::test]
async fn a_body_must_be_json_and_say_so() {
    let aep = Aep::start().await;
    let path = format!("{FLOW}/connections");
    let plain = aep
        .request(Method::POST, &path)
        .header("content-type", "text/plain")
        .body("{}");
    assert_eq!(
        send(plain).await.body["detail"],
        "A valid content-type must be specified"
    );
    let broken = aep
        .request(Method::POST, &path)
        .header("content-type", "application/json")
        .body("{");
    assert_eq!(send(broken).await.status, 400);
    let empty = aep.request(Method::POST, &path);
    assert_eq!(send(empty).await.code(), "FLOW-1405-400");
    assert_eq!(
        aep.post("/data/foundation/nothing", &json!({}))
            .await
            .status,
        404
    );
    assert_eq!(aep.delete(&path).await.status, 405);
}

#[tokio::test]
async fn a_token_expires() {
    let config = Config {
        token_lifetime: Duration::from_millis(1500),
        ..Config::default()
    };
    let aep = Aep::with(config).await;
    let path = format!("{FLOW}/connections");
    assert_eq!(aep.get(&path).await.status, 200);
    tokio::time::sleep(Duration::from_millis(1600)).await;
    let reply = aep.get(&path).await;
    assert_eq!(
        (reply.status, reply.body["error_code"].as_str()),
        (401, Some("401013"))
    );
}

#[tokio::test]
async fn flow_service_can_be_the_one_that_detects_an_expired_token() {
    let config = Config {
        expired_token: ExpiredToken::InFlowService,
        ..Config::default()
    };
    let aep = Aep::with(config).await;
    aep.emulator.revoke_tokens();
    assert_eq!(
        aep.get(&format!("{FLOW}/connections")).await.code(),
        "FLOW-2115-400"
    );
    let elsewhere = aep.get(&format!("{CATALOG}/dataSets")).await;
    assert_eq!(elsewhere.body["error_code"], "401013");
}

#[tokio::test]
async fn sandboxes_know_nothing_of_each_other() {
    let mut aep = Aep::start().await;
    let id = aep.base_connection("in prod").await;
    aep.sandbox = "dev".to_owned();
    assert!(
        aep.get(&format!("{FLOW}/connections"))
            .await
            .items()
            .is_empty()
    );
    assert_eq!(
        aep.get(&format!("{FLOW}/connections/{id}")).await.status,
        404
    );
    aep.base_connection("in dev").await;
    assert_eq!(
        aep.emulator.resources("dev", "connections")[0]["sandboxName"],
        "dev"
    );
    assert_eq!(aep.emulator.resources("prod", "connections").len(), 1);
}

#[tokio::test]
async fn a_client_without_a_right_is_refused_and_changes_nothing() {
    let all = Rights::default();
    let clients = vec![
        Client::default(),
        Client {
            rights: Rights {
                flow_write: false,
                ..all
            },
            ..Client::new("no-write", "s")
        },
        Client {
            rights: Rights {
                flow_read: false,
                ..all
            },
            ..Client::new("no-read", "s")
        },
        Client {
            rights: Rights {
                schema_write: false,
                ..all
            },
            ..Client::new("no-schema", "s")
        },
        Client {
            rights: Rights {
                dataset_write: false,
                ..all
            },
            ..Client::new("no-dataset", "s")
        },
        Client {
            rights: Rights {
                mapping_write: false,
                ..all
            },
            ..Client::new("no-mapping", "s")
        },
        Client {
            rights: Rights {
                sandbox_admin: false,
                ..all
            },
            ..Client::new("no-admin", "s")
        },
        Client {
            sandboxes: Some(vec!["dev".to_owned()]),
            ..Client::new("dev-only", "s")
        },
    ];
    let aep = Aep::with(Config {
        clients,
        ..Config::default()
    })
    .await;
    let connections = format!("{FLOW}/connections");
    let schemas = format!("{REGISTRY}/tenant/schemas");
    let datasets = format!("{CATALOG}/dataSets");
    let mappings = format!("{PREP}/mappingSets");
    let sandboxes = format!("{SANDBOXES}/sandboxes");
    for (client, method, path, expected) in [
        ("no-write", Method::POST, &connections, "FLOW-2120-403"),
        ("no-read", Method::GET, &connections, "FLOW-2120-403"),
        ("dev-only", Method::GET, &connections, "FLOW-2120-403"),
        ("no-schema", Method::POST, &schemas, "403025"),
        ("no-dataset", Method::POST, &datasets, "403025"),
        ("no-mapping", Method::POST, &mappings, "403025"),
        ("no-admin", Method::GET, &sandboxes, "403025"),
    ] {
        let token = token(&aep.http, &aep.emulator.url(), client, "s").await;
        let request = aep
            .http
            .request(method, format!("{}{path}", aep.emulator.url()))
            .bearer_auth(token)
            .header("x-api-key", client)
            .header("x-gw-ims-org-id", aep_emulator::DEFAULT_ORG)
            .header("x-sandbox-name", "prod")
            .json(&base_connection("never"));
        let reply = send(request).await;
        let code = reply.body["error_code"]
            .as_str()
            .unwrap_or_else(|| reply.code());
        assert_eq!((reply.status, code), (403, expected), "{client}");
    }
    assert!(aep.emulator.resources("prod", "connections").is_empty());
    let other_key = aep
        .http
        .get(format!("{}{connections}", aep.emulator.url()))
        .bearer_auth(&aep.token);
    let reply = send(other_key.header("x-api-key", "no-read")).await;
    assert_eq!(reply.body["error_code"], "401014");
}

#[tokio::test]
async fn a_client_sees_the_sandboxes_that_it_may_use() {
    let client = Client {
        sandboxes: Some(vec!["dev".to_owned()]),
        ..Client::default()
    };
    let aep = Aep::with(Config {
        clients: vec![client],
        ..Config::default()
    })
    .await;
    let own = aep.get(SANDBOXES).await;
    assert_eq!(own.body["sandboxes"].as_array().unwrap().len(), 1);
    let all = aep
        .get(&format!("{SANDBOXES}/sandboxes?limit=2&offset=1"))
        .await;
    let names: Vec<_> = all.body["sandboxes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| &s["name"])
        .collect();
    assert_eq!(names, ["dev", "resetting"]);
    assert_eq!(aep.get(&format!("{SANDBOXES}?limit=2")).await.status, 400);
    let one = aep.get(&format!("{SANDBOXES}/sandboxes/resetting")).await;
    assert_eq!(one.body["state"], "resetting");
    assert_eq!(
        aep.get(&format!("{SANDBOXES}/sandboxes/nowhere"))
            .await
            .status,
        404
    );
}
