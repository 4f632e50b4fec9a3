//! Where requests go: to no other host than the configured one, and through the proxy that is
//! configured.

use std::sync::{Arc, Mutex};

use secrecy::SecretString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::server::{ScriptedReply, Server, credentials, json, token};
use super::trust::secure_server;
use crate::error::End;
use crate::{Chain, Client, NewBaseConnection, Proxy, TransportKind};

/// A redirect, as a whole response.
fn redirect(status: u16, location: &str) -> ScriptedReply {
    ScriptedReply::Bytes(format!(
        "HTTP/1.1 {status} Elsewhere\r\nlocation: {location}\r\ncontent-length: 0\r\n\
         connection: close\r\n\r\n"
    ))
}

#[tokio::test]
async fn no_redirect_is_followed_by_a_token_a_read_or_a_create() {
    for status in [301, 302, 303, 307, 308] {
        let other = Server::platform(|_, _| json(200, r#"{"sandboxes": []}"#)).await;
        let elsewhere = other.url.to_string();
        for location in [elsewhere, "/moved".to_owned()] {
            let to = location.clone();
            let ims = Server::start(move |_, _| redirect(status, &to)).await;
            let error = ims.client().check_credentials().await.unwrap_err();
            assert!(!format!("{error:?}").contains("p8e"), "{error:?}");
            assert_eq!(ims.seen().len(), 1, "{status} {location}");

            let to = location.clone();
            let platform = Server::platform(move |_, _| redirect(status, &to)).await;
            platform.client().list_sandboxes().await.unwrap_err();
            let new = NewBaseConnection::oracle_service_cloud(
                "osc",
                "h",
                "svc",
                SecretString::from("hunter2"),
            );
            let created = platform.sandbox().create_base_connection(&new).await;
            created.unwrap_err();
            assert_eq!(platform.calls().len(), 2, "{status} {location}");
        }
        assert_eq!(other.seen().len(), 0, "{status}");
    }
}

/// A proxy that opens tunnels or refuses them. Returns its address, and the heads of the requests
/// that it gets.
async fn proxy(is_open: bool) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match client.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => break,
                }
            }
            let head = String::from_utf8(head).unwrap();
            let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
            seen.lock().unwrap().push(head);
            if !is_open {
                let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
                let _ = client.write_all(refusal.as_bytes()).await;
                continue;
            }
            tokio::spawn(async move {
                let mut server = TcpStream::connect(target).await.unwrap();
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (address, heads)
}

#[tokio::test]
async fn https_goes_through_the_proxy_and_http_to_this_machine_does_not() {
    let ims = Server::start(|_, _| token("t-1", 86_399)).await;
    let (platform, authority) = secure_server().await;
    let (address, heads) = proxy(true).await;
    let mut settings = ims.settings();
    settings.platform_url = platform.parse().unwrap();
    settings.ca_certificate_pem = Some(authority);
    let through = |bypass: &[&str]| Proxy {
        url: format!("http://svc:hidden%40word@{address}").into(),
        bypass: bypass.iter().map(|&each| each.to_owned()).collect(),
    };

    settings.proxy = Some(through(&[]));
    let client = Client::new(settings.clone(), credentials()).unwrap();
    client.list_sandboxes().await.unwrap();
    let seen = heads.lock().unwrap().clone();
    assert_eq!(seen.len(), 1, "{seen:?}");
    let host = platform.trim_start_matches("https://");
    assert!(seen[0].starts_with(&format!("CONNECT {host} ")), "{seen:?}");
    // `svc:hidden@word`, in base64.
    assert!(seen[0].contains("Basic c3ZjOmhpZGRlbkB3b3Jk"), "{seen:?}");
    assert!(!format!("{:?}", client).contains("hidden"));

    settings.proxy = Some(through(&["127.0.0.1"]));
    let client = Client::new(settings, credentials()).unwrap();
    client.list_sandboxes().await.unwrap();
    assert_eq!(heads.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_without_its_password() {
    let ims = Server::start(|_, _| token("t-1", 86_399)).await;
    let (platform, authority) = secure_server().await;
    let (address, heads) = proxy(false).await;
    let mut settings = ims.settings();
    settings.platform_url = platform.parse().unwrap();
    settings.ca_certificate_pem = Some(authority);
    settings.proxy = Some(Proxy {
        url: format!("http://svc:hidden@{address}").into(),
        bypass: Vec::new(),
    });
    let client = Client::new(settings, credentials()).unwrap();
    let error = client.list_sandboxes().await.unwrap_err();
    let End::NotSent(cause) = error.root() else {
        panic!("{error:?}");
    };
    assert_eq!(cause.kind(), TransportKind::ConnectFailed, "{cause}");
    let shown = format!("{} {error:?}", Chain(&error));
    assert!(!shown.contains("hidden"), "{shown}");
    assert!(!heads.lock().unwrap().is_empty());
}
