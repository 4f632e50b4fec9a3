//! The Temporal server of a test program: one of its own, or with `AEP_FLOW_TEST_ENGINE=compose` the
//! engine of `docker-compose.yml`, which somebody started (CONTRIBUTING.md).

use std::path::PathBuf;
use std::sync::OnceLock;

use aep_flow::config::Environment;
use aep_flow::devserver::{self, DevServer, Options, Surroundings};

/// Where the engine of `docker-compose.yml` takes gRPC.
const ENGINE: &str = "127.0.0.1:7233";

/// The address of the server that the tests of one program share.
pub(crate) fn shared() -> &'static str {
    static ADDRESS: OnceLock<String> = OnceLock::new();
    ADDRESS.get_or_init(|| {
        let environment = Environment::of_process();
        match environment.get("AEP_FLOW_TEST_ENGINE") {
            None => own_of_this_program().address(),
            Some("compose") => ENGINE.to_owned(),
            Some(other) => panic!("AEP_FLOW_TEST_ENGINE is `compose` or not set, not `{other}`"),
        }
    })
}

/// Started by the first test that asks.
///
/// It is never stopped by hand: it ends with this process, however that ends (see
/// `src/devserver/process.rs`).
fn own_of_this_program() -> &'static DevServer {
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
