//! The Temporal server of a test program.

use std::path::PathBuf;
use std::sync::OnceLock;

use aep_flow::config::Environment;
use aep_flow::devserver::{self, DevServer, Options, Surroundings};

/// The server that the tests of one program share, started by the first that asks.
///
/// It is never stopped by hand: it ends with this process, however that ends (see
/// `src/devserver/process.rs`).
pub(crate) fn shared() -> &'static DevServer {
    static SERVER: OnceLock<DevServer> = OnceLock::new();
    SERVER.get_or_init(|| {
        // The tests' own runtimes come and go.
        let start = || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("temporal");
                let options = Options {
                    has_ui: false,
                    folder: Some(folder),
                    ..Options::new(binary().await)
                };
                DevServer::start(options).await.unwrap()
            })
        };
        std::thread::spawn(start).join().unwrap()
    })
}

/// A server of a test's own, with its state in a file.
pub(crate) async fn own() -> DevServer {
    let options = Options {
        has_ui: false,
        is_persistent: true,
        ..Options::new(binary().await)
    };
    DevServer::start(options).await.unwrap()
}

/// The `temporal` command, fetched if there is none. A server that somebody runs is left alone.
pub(crate) async fn binary() -> PathBuf {
    let surroundings = Surroundings::read(&Environment::of_process());
    devserver::binary(&surroundings, &|line: &str| eprintln!("{line}"))
        .await
        .unwrap()
}
