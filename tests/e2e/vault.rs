//! Secrets that a real Vault keeps: OpenBao, whose API is the same.

use std::sync::{Arc, Mutex};

use aep_emulator::DEFAULT_SOURCE_PASSWORD;
use aep_flow::config::Config;
use aep_flow::secrets::{SecretError, SecretStore};
use aep_flow_proto::v1::{SecretReference, VaultSecret, secret_reference::Place};
use aep_flow_testkit::openbao::OpenBao;
use aep_flow_testkit::{World, eventually, input, table};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

/// A worker of this Vault, without a login.
fn config_of(url: &str) -> Config {
    let mut config = Config::default();
    config.vault.address = Some(url.parse().unwrap());
    config.vault.allow = vec!["osc/*".to_owned(), "hr/*".to_owned()];
    config.vault.allow_insecure = true;
    config
}

/// The same, logged in by an AppRole.
fn with_role(url: &str, (role_id, secret_id): (String, String)) -> Config {
    let mut config = config_of(url);
    config.vault.role_id = Some(role_id);
    config.vault.secret_id = Some(secret_id.into());
    config
}

fn reference(path: &str, key: &str) -> SecretReference {
    let (path, key) = (path.to_owned(), key.to_owned());
    SecretReference {
        place: Some(Place::Vault(VaultSecret { path, key })),
    }
}

/// What is read, or what is said.
async fn read(store: &SecretStore, path: &str, key: &str) -> Result<String, String> {
    match store.resolve(&reference(path, key)).await {
        Ok(secret) => Ok(secret.expose_secret().to_owned()),
        Err(error) => {
            let shown = format!("{error} / {} / {error:?}", error.next_step());
            assert!(!shown.contains("s3cret"), "{shown}");
            assert!(!error.next_step().is_empty());
            Err(error.to_string())
        }
    }
}

fn count(lines: &Mutex<Vec<String>>, wanted: &str) -> usize {
    let lines = lines.lock().unwrap();
    lines.iter().filter(|line| line.contains(wanted)).count()
}

const LOGIN: &str = "POST /v1/auth/approle/login";
const RENEWAL: &str = "POST /v1/auth/token/renew-self";

#[tokio::test]
async fn an_ingestion_has_its_password_from_vault() -> anyhow::Result<()> {
    let Some(bao) = OpenBao::secure().await? else {
        return Ok(());
    };
    let (role_id, secret_id) = bao.role(json!({})).await?;
    let password = json!({"password": DEFAULT_SOURCE_PASSWORD});
    bao.keep("osc/emea", password).await?;
    let world = World::new().await;
    let more = [
        ("AEP_FLOW_VAULT_ADDRESS", bao.url.clone()),
        ("AEP_FLOW_VAULT_ALLOW", "osc/*".to_owned()),
        ("AEP_FLOW_VAULT_ROLE_ID", role_id),
        ("AEP_FLOW_VAULT_SECRET_ID", secret_id.clone()),
        (
            "AEP_FLOW_VAULT_CA_CERTIFICATE",
            bao.authority().display().to_string(),
        ),
        ("AEP_FLOW_LOG_FILTER", "trace".to_owned()),
    ];
    let more: Vec<_> = more.iter().map(|(name, value)| (*name, &**value)).collect();
    let worker = world.worker_process_with(&more, "vault.log");
    let mut wanted = input(&[table("Contacts")]);
    wanted["connection"]["password"] = json!({"vault": {"path": "osc/emea", "key": "password"}});
    world.ingest(&wanted).await.unwrap();

    wanted["connection"]["name"] = "Another".into();
    wanted["connection"]["password"] = json!({"vault": {"path": "hr/pay", "key": "password"}});
    let failed = world.ingest(&wanted).await.unwrap_err();
    assert_eq!(failed.kind, "InvalidInput");
    assert_eq!(failed.details["field"], "connection.password.vault");
    assert!(
        failed.message.contains("vault:hr/pay#password"),
        "{failed:?}"
    );
    drop(worker);
    let log = std::fs::read_to_string(world.folder().join("vault.log"))?;
    for secret in [DEFAULT_SOURCE_PASSWORD, &secret_id] {
        assert!(!log.contains(secret), "the log shows {secret}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_allowed_is_read_anew_each_time_and_nothing_else() -> anyhow::Result<()> {
    let Some(bao) = OpenBao::start().await? else {
        return Ok(());
    };
    let values = json!({"password": "s3cret-1", "port": 1521, "empty": "", "escaped": "s3\"c\n"});
    bao.keep("osc/emea", values).await?;
    bao.keep("hr/pay", json!({"password": "s3cret-pay"}))
        .await?;
    bao.keep("board", json!({"password": "s3cret-board"}))
        .await?;
    bao.keep("osc/old", json!({"password": "s3cret-old"}))
        .await?;
    bao.ask("DELETE", "", "secret/data/osc/old", json!({}))
        .await?;
    let config = with_role(&bao.url, bao.role(json!({})).await?);
    let store = SecretStore::new(&config)?;
    for (path, key, expected) in [
        ("osc/emea", "password", Ok("s3cret-1")),
        ("osc/emea", "escaped", Ok("s3\"c\n")),
        (
            "osc/emea",
            "port",
            Err("the secret `vault:osc/emea#port` can't be read: the key's value is not a text"),
        ),
        (
            "osc/emea",
            "empty",
            Err("the secret `vault:osc/emea#empty` can't be read: the key's value is empty"),
        ),
        (
            "osc/emea",
            "pass",
            Err(
                "the secret `vault:osc/emea#pass` can't be read: the secret at this path has no \
                 such key",
            ),
        ),
        (
            "osc/old",
            "password",
            Err(
                "the secret `vault:osc/old#password` can't be read: Vault has no secret at this \
                 path",
            ),
        ),
        (
            "osc/nowhere",
            "password",
            Err(
                "the secret `vault:osc/nowhere#password` can't be read: Vault has no secret at \
                 this path",
            ),
        ),
        // The configuration lets inputs read it, and Vault's policy keeps the worker from it.
        (
            "hr/pay",
            "password",
            Err(
                "the secret `vault:hr/pay#password` can't be read: Vault denies access to the \
                 worker's role",
            ),
        ),
        (
            "board",
            "password",
            Err(
                "the secret `vault:board#password` can't be read: inputs may not read this path of \
                 the worker's Vault",
            ),
        ),
        (
            "osc/../board",
            "password",
            Err(
                "the secret `vault:osc/../board#password` can't be read: inputs may not read this \
                 path of the worker's Vault",
            ),
        ),
    ] {
        let found = read(&store, path, key).await;
        assert_eq!(
            found.as_deref().map_err(|error| &**error),
            expected,
            "{path} {key}"
        );
    }
    bao.keep("osc/emea", json!({"password": "s3cret-2"}))
        .await?;
    assert_eq!(
        read(&store, "osc/emea", "password").await.as_deref(),
        Ok("s3cret-2")
    );
    Ok(())
}

#[tokio::test]
async fn each_way_to_log_in_is_taken() -> anyhow::Result<()> {
    let Some(bao) = OpenBao::start().await? else {
        return Ok(());
    };
    bao.keep("osc/emea", json!({"password": "s3cret"})).await?;
    let role = bao.role(json!({})).await?;

    let made = json!({"policies": ["osc"], "ttl": "1h"});
    let made = bao.post("auth/token/create", made).await?;
    let token = made["auth"]["client_token"].as_str().unwrap();
    let mut by_token = config_of(&bao.url);
    by_token.vault.token = Some(token.into());

    let kubernetes = kubernetes().await?;
    bao.post("sys/auth/kubernetes", json!({"type": "kubernetes"}))
        .await?;
    // It wants one, and has no use for it here.
    let authority = rcgen::generate_simple_self_signed(["kubernetes".to_owned()])?;
    let config = json!({"kubernetes_host": kubernetes, "disable_local_ca_jwt": true,
                        "kubernetes_ca_cert": authority.cert.pem(),
                        "token_reviewer_jwt": "reviewer"});
    bao.post("auth/kubernetes/config", config).await?;
    let bound = json!({"bound_service_account_names": ["aep-flow"],
                       "bound_service_account_namespaces": ["ingest"], "policies": ["osc"]});
    bao.post("auth/kubernetes/role/aep-flow", bound).await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("token");
    std::fs::write(&file, SERVICE_ACCOUNT)?;
    let mut by_kubernetes = config_of(&bao.url);
    by_kubernetes.vault.kubernetes_role = Some("aep-flow".to_owned());
    by_kubernetes.vault.kubernetes_token_file = Some(file.clone());

    let mut wrong_secret = with_role(&bao.url, role.clone());
    wrong_secret.vault.secret_id = Some("s3cret-id".into());
    let mut wrong_token = config_of(&bao.url);
    wrong_token.vault.token = Some("s3cret-token".into());
    for (way, config, expected) in [
        ("token", by_token, Ok("s3cret")),
        ("AppRole", with_role(&bao.url, role), Ok("s3cret")),
        ("Kubernetes", by_kubernetes.clone(), Ok("s3cret")),
        (
            "a secret id that is none",
            wrong_secret,
            Err(
                "the secret `vault:osc/emea#password` can't be read: Vault refuses the worker's \
                 login with status 400",
            ),
        ),
        (
            "a token that is none",
            wrong_token,
            Err(
                "the secret `vault:osc/emea#password` can't be read: Vault refuses the worker's \
                 login with status 403",
            ),
        ),
    ] {
        let store = SecretStore::new(&config)?;
        let found = read(&store, "osc/emea", "password").await;
        assert_eq!(
            found.as_deref().map_err(|error| &**error),
            expected,
            "{way}"
        );
    }
    // The service account's token is read at each login: it is rotated.
    std::fs::write(&file, "another")?;
    let store = SecretStore::new(&by_kubernetes)?;
    read(&store, "osc/emea", "password").await.unwrap_err();
    Ok(())
}

#[tokio::test]
async fn one_login_serves_all_and_is_made_again_only_when_the_token_is_gone() -> anyhow::Result<()>
{
    let Some(bao) = OpenBao::start().await? else {
        return Ok(());
    };
    bao.keep("osc/emea", json!({"password": "s3cret"})).await?;
    let (url, lines) = bao.watched().await?;
    let config = with_role(&url, bao.role(json!({})).await?);
    let store = Arc::new(SecretStore::new(&config)?);
    let reads = (0..50).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { read(&store, "osc/emea", "password").await })
    });
    for one in reads.collect::<Vec<_>>() {
        assert_eq!(one.await?.as_deref(), Ok("s3cret"));
    }
    assert_eq!(count(&lines, LOGIN), 1);
    // Denied by a policy: another token would help as little.
    read(&store, "hr/pay", "password").await.unwrap_err();
    assert_eq!(count(&lines, LOGIN), 1);
    // As by hand, or when a server of before a restore does not know it.
    bao.ask("PUT", "", "sys/leases/revoke-force/auth/approle", json!({}))
        .await?;
    assert_eq!(
        read(&store, "osc/emea", "password").await.as_deref(),
        Ok("s3cret")
    );
    assert_eq!(count(&lines, LOGIN), 2);
    Ok(())
}

#[tokio::test]
async fn a_login_lives_on_and_is_made_anew_before_it_must_end() -> anyhow::Result<()> {
    let Some(bao) = OpenBao::start().await? else {
        return Ok(());
    };
    bao.keep("osc/emea", json!({"password": "s3cret"})).await?;
    let (url, lines) = bao.watched().await?;
    let role = json!({"token_ttl": "3s", "token_max_ttl": "6s"});
    let config = with_role(&url, bao.role(role).await?);
    let store = SecretStore::new(&config)?;
    eventually("a renewal and a second login", async || {
        let found = read(&store, "osc/emea", "password").await;
        assert_eq!(found.as_deref(), Ok("s3cret"));
        (count(&lines, RENEWAL) > 0 && count(&lines, LOGIN) > 1).then_some(())
    })
    .await;
    // No read met a token that had ended.
    assert_eq!(count(&lines, "lookup-self"), 0);
    Ok(())
}

#[tokio::test]
async fn a_sealed_vault_is_waited_for_and_an_absent_one_too() -> anyhow::Result<()> {
    let Some(bao) = OpenBao::start().await? else {
        return Ok(());
    };
    bao.keep("osc/emea", json!({"password": "s3cret"})).await?;
    let config = with_role(&bao.url, bao.role(json!({})).await?);
    let store = SecretStore::new(&config)?;
    let wanted = reference("osc/emea", "password");
    bao.seal().await?;
    let error = store.resolve(&wanted).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    assert!(error.to_string().contains("sealed"), "{error}");
    bao.unseal().await?;
    eventually("the unsealed Vault", async || {
        match store.resolve(&wanted).await {
            Ok(_) => Some(()),
            Err(error) => {
                assert!(error.is_transient(), "{error:?}");
                None
            }
        }
    })
    .await;
    drop(bao);
    let error = store.resolve(&wanted).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn a_namespace_has_secrets_and_logins_of_its_own() -> anyhow::Result<()> {
    let Some(bao) = OpenBao::start().await? else {
        return Ok(());
    };
    bao.post("sys/namespaces/emea", json!({})).await?;
    let store = json!({"type": "kv", "options": {"version": "2"}});
    bao.ask("POST", "emea", "sys/mounts/secret", store).await?;
    let role = bao.role_in("emea", json!({})).await?;
    let body = json!({"data": {"password": "s3cret"}});
    // A new mount is upgraded in the background.
    eventually("the namespace's store", async || {
        let kept = bao.ask("POST", "emea", "secret/data/osc/a", body.clone());
        kept.await.ok()
    })
    .await;
    let mut config = with_role(&bao.url, role);
    let outside = SecretStore::new(&config)?;
    read(&outside, "osc/a", "password").await.unwrap_err();
    config.vault.namespace = Some("emea".to_owned());
    let inside = SecretStore::new(&config)?;
    assert_eq!(
        read(&inside, "osc/a", "password").await.as_deref(),
        Ok("s3cret")
    );
    Ok(())
}

/// A token as a cluster gives it to a pod; the signature is not looked at here but by the cluster.
const SERVICE_ACCOUNT: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.\
    eyJhdWQiOlsiaHR0cHM6Ly9rdWJlcm5ldGVzLmRlZmF1bHQuc3ZjIl0sImV4cCI6NDEwMjQ0NDgwMCwi\
    aWF0IjoxNzAwMDAwMDAwLCJuYmYiOjE3MDAwMDAwMDAsImlzcyI6Imh0dHBzOi8va3ViZXJuZXRlcy5k\
    ZWZhdWx0LnN2YyIsImt1YmVybmV0ZXMuaW8iOnsibmFtZXNwYWNlIjoiaW5nZXN0Iiwic2VydmljZWFj\
    Y291bnQiOnsibmFtZSI6ImFlcC1mbG93IiwidWlkIjoiMSJ9fSwic3ViIjoic3lzdGVtOnNlcnZpY2Vh\
    Y2NvdW50OmluZ2VzdDphZXAtZmxvdyJ9.\
    c2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0\
    dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2ln\
    bmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJl\
    c2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0\
    dXJlc2lnbmF0dXJl";

/// A stub of the one call that a Vault makes to a cluster: whether it knows a pod's token.
async fn kubernetes() -> anyhow::Result<String> {
    let routes = axum::Router::new().route(
        "/apis/authentication.k8s.io/v1/tokenreviews",
        axum::routing::post(|review: axum::Json<Value>| async move {
            let is_known = review.0["spec"]["token"] == SERVICE_ACCOUNT;
            let status = if is_known {
                json!({"authenticated": true, "audiences": ["https://kubernetes.default.svc"],
                       "user": {
                    "username": "system:serviceaccount:ingest:aep-flow", "uid": "1",
                    "groups": ["system:serviceaccounts"]}})
            } else {
                json!({"authenticated": false})
            };
            axum::Json(
                json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
                              "status": status}),
            )
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(url)
}

#[tokio::test]
async fn a_vault_that_points_elsewhere_is_not_followed() -> anyhow::Result<()> {
    let asked = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&asked);
    let elsewhere = axum::Router::new().fallback(move || {
        *counted.lock().unwrap() += 1;
        async { "" }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let to = format!("http://{}/v1", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, elsewhere).await });
    let points = axum::Router::new().fallback(move || {
        let to = to.clone();
        async move { axum::response::Redirect::temporary(&to) }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, points).await });

    let store = SecretStore::new(&with_role(&url, ("role".into(), "s3cret".into())))?;
    let error = store.resolve(&reference("osc/emea", "password")).await;
    assert!(matches!(error, Err(SecretError::Vault { .. })), "{error:?}");
    assert!(error.unwrap_err().to_string().contains("not followed"));
    assert_eq!(*asked.lock().unwrap(), 0);
    Ok(())
}
