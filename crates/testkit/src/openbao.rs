//! A real OpenBao, whose API is Vault's: a development server that forgets all when it ends.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use aep_flow_devserver::free_port;
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::callers::at_hand;
use crate::eventually;
use crate::places::repository;

const ROOT: &str = "root-of-the-test";

/// Ends when dropped.
#[derive(Debug)]
pub struct OpenBao {
    process: Child,
    folder: tempfile::TempDir,
    http: reqwest::Client,
    /// Its address.
    pub url: String,
}

impl OpenBao {
    /// Starts one that speaks plain HTTP; nothing if it can't be had here.
    pub async fn start() -> anyhow::Result<Option<Self>> {
        Self::with("http").await
    }

    /// Starts one that speaks TLS, with an authority of its own.
    pub async fn secure() -> anyhow::Result<Option<Self>> {
        Self::with("https").await
    }

    async fn with(scheme: &str) -> anyhow::Result<Option<Self>> {
        let pip = ["python3", "-m", "pip", "--version"];
        if !at_hand("pip, for OpenBao", &[&pip]).await? {
            return Ok(None);
        }
        let program = tokio::task::spawn_blocking(program).await??;
        let folder = tempfile::tempdir()?;
        let address = format!("127.0.0.1:{}", free_port()?);
        let log = std::fs::File::create(folder.path().join("log"))?;
        let mut command = Command::new(program);
        command
            .args(["server", "-dev", "-dev-no-store-token"])
            .arg(format!("-dev-root-token-id={ROOT}"))
            .arg(format!("-dev-listen-address={address}"))
            .env_clear()
            .env("HOME", folder.path())
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        if scheme == "https" {
            command
                .arg("-dev-tls")
                .arg(format!("-dev-tls-cert-dir={}", folder.path().display()));
        }
        let process = command.spawn()?;
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut bao = Self {
            process,
            folder,
            http: reqwest::Client::new(),
            url: format!("{scheme}://{address}"),
        };
        eventually("OpenBao", async || {
            let ended = bao.process.try_wait().unwrap();
            assert!(ended.is_none(), "{}", bao.log());
            bao.log().contains("Root Token: ").then_some(())
        })
        .await;
        if scheme == "https" {
            let authority = reqwest::Certificate::from_pem(&std::fs::read(bao.authority())?)?;
            bao.http = reqwest::Client::builder()
                .tls_certs_only([authority])
                .build()?;
        }
        Ok(Some(bao))
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The file of the authority that signed its certificate.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("vault-ca.pem")
    }

    /// Asks as root, in a namespace where one is named.
    pub async fn ask(
        &self,
        method: &str,
        namespace: &str,
        path: &str,
        body: Value,
    ) -> anyhow::Result<Value> {
        let method = reqwest::Method::from_bytes(method.as_bytes())?;
        let answer = self
            .http
            .request(method, format!("{}/v1/{path}", self.url))
            .header("x-vault-token", ROOT)
            .header("x-vault-namespace", namespace)
            .json(&body)
            .send()
            .await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{path}: {status} {text}");
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }

    /// Posts as root.
    pub async fn post(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.ask("POST", "", path, body).await
    }

    /// Keeps these values at a path of the key/value store.
    pub async fn keep(&self, path: &str, values: Value) -> anyhow::Result<()> {
        self.post(&format!("secret/data/{path}"), json!({"data": values}))
            .await?;
        Ok(())
    }

    /// A role `aep-flow` that may read what is below `osc/`; gives its id and a secret id.
    pub async fn role(&self, options: Value) -> anyhow::Result<(String, String)> {
        self.role_in("", options).await
    }

    /// The same in a namespace.
    pub async fn role_in(
        &self,
        namespace: &str,
        options: Value,
    ) -> anyhow::Result<(String, String)> {
        let ask = async |method, path, body| self.ask(method, namespace, path, body).await;
        self.policy(namespace).await?;
        ask("POST", "sys/auth/approle", json!({"type": "approle"})).await?;
        let mut role = json!({"token_policies": ["osc"]});
        for (name, value) in options.as_object().into_iter().flatten() {
            role[name] = value.clone();
        }
        ask("POST", "auth/approle/role/aep-flow", role).await?;
        let id = "auth/approle/role/aep-flow/role-id";
        let id = ask("GET", id, json!({})).await?;
        let secret = "auth/approle/role/aep-flow/secret-id";
        let secret = ask("POST", secret, json!({})).await?;
        Ok((
            id["data"]["role_id"].as_str().context("a role id")?.into(),
            secret["data"]["secret_id"]
                .as_str()
                .context("a secret id")?
                .into(),
        ))
    }

    /// A token that may read what is below `osc/`.
    pub async fn token(&self) -> anyhow::Result<String> {
        self.policy("").await?;
        let wanted = json!({"policies": ["osc"]});
        let made = self.post("auth/token/create", wanted).await?;
        let token = made["auth"]["client_token"].as_str();
        Ok(token.context("a token")?.to_owned())
    }

    /// The policy `osc`.
    pub async fn policy(&self, namespace: &str) -> anyhow::Result<()> {
        let policy = r#"path "secret/data/osc/*" { capabilities = ["read"] }"#;
        let body = json!({"policy": policy});
        self.ask("PUT", namespace, "sys/policies/acl/osc", body)
            .await?;
        Ok(())
    }

    /// Lets nobody read anything until it is unsealed.
    pub async fn seal(&self) -> anyhow::Result<()> {
        self.ask("PUT", "", "sys/seal", json!({})).await.map(drop)
    }

    /// Opens it again.
    pub async fn unseal(&self) -> anyhow::Result<()> {
        let log = self.log();
        let key = log
            .lines()
            .find_map(|line| line.strip_prefix("Unseal Key: "));
        let body = json!({"key": key.context("the key that unseals")?.trim()});
        self.ask("PUT", "", "sys/unseal", body).await.map(drop)
    }

    /// A way to it that keeps the first line of each request; plain HTTP only.
    pub async fn watched(&self) -> anyhow::Result<(String, Arc<Mutex<Vec<String>>>)> {
        let server = self.url.trim_start_matches("http://").to_owned();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let lines = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&lines);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, seen) = (server.clone(), Arc::clone(&seen));
                tokio::spawn(async move {
                    let (mut from, mut to) = client.into_split();
                    let server = tokio::net::TcpStream::connect(server).await?;
                    let (mut answers, mut questions) = server.into_split();
                    tokio::spawn(async move { tokio::io::copy(&mut answers, &mut to).await });
                    let mut buffer = vec![0; 64 * 1024];
                    loop {
                        let read = from.read(&mut buffer).await?;
                        if read == 0 {
                            return Ok::<(), std::io::Error>(());
                        }
                        let text = String::from_utf8_lossy(&buffer[..read]);
                        let first = text.lines().next().unwrap_or_default();
                        if let Some(line) = first.strip_suffix(" HTTP/1.1") {
                            seen.lock().unwrap().push(line.to_owned());
                        }
                        questions.write_all(&buffer[..read]).await?;
                    }
                });
            }
        });
        Ok((url, lines))
    }
}

impl Drop for OpenBao {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Where the program is, got if need be.
fn program() -> anyhow::Result<PathBuf> {
    let script = repository().join("tests/vault/openbao.sh");
    let output = Command::new("bash")
        .arg(script)
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "OpenBao can't be had");
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}
