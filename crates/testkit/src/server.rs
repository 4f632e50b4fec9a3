//! The Temporal server of a test program: one of its own, or with `AEP_FLOW_TEST_ENGINE=compose` the
//! engine of `docker-compose.yml`, which somebody started (CONTRIBUTING.md).

use std::path::PathBuf;
use std::sync::OnceLock;

use aep_flow::config::Environment;
use aep_flow_devserver::{self as devserver, DevServer, DevServerError, Options, Surroundings};

use crate::places::scratch;

/// Where the engine of `docker-compose.yml` takes gRPC.
const ENGINE: &str = "127.0.0.1:7233";

/// The address of the server that the tests of one program share.
pub fn shared() -> &'static str {
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
/// `crates/devserver/src/process.rs`).
fn own_of_this_program() -> &'static DevServer {
    static SERVER: OnceLock<DevServer> = OnceLock::new();
    SERVER.get_or_init(|| {
        // The tests' own runtimes come and go.
        let start = || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(start(|options| {
                options.folder = Some(scratch().join("temporal"));
            }))
        };
        std::thread::spawn(start).join().unwrap().unwrap()
    })
}

/// A server of a test's own, with its state in a file.
pub async fn own() -> DevServer {
    start(|options| options.is_persistent = true).await.unwrap()
}

/// A server without a UI, with these options changed. It ends with its handle.
///
/// # Errors
/// If there is none and none can be fetched, or it does not start.
pub async fn start(change: impl FnOnce(&mut Options)) -> Result<DevServer, DevServerError> {
    let mut options = Options::new(find().await?);
    options.has_ui = false;
    change(&mut options);
    DevServer::start(options).await
}

/// The `temporal` command, fetched if there is none. A server that somebody runs is left alone.
pub async fn binary() -> PathBuf {
    find().await.unwrap()
}

async fn find() -> Result<PathBuf, DevServerError> {
    let environment = Environment::of_process();
    let surroundings = Surroundings::read(|name| environment.get(name));
    devserver::binary(&surroundings, &|line: &str| eprintln!("{line}")).await
}
