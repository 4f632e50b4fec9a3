//! What a worker's process leaves when it dies, and what it logs of a panic.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;

use aep_flow_testkit::logs::FAILED_ATTEMPT;
use aep_flow_testkit::platform::{counts, whole_chain};
use aep_flow_testkit::{World, eventually, input, table};
use prost::Message as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use tokio::process::Command;

/// Nobody.
const USER: u32 = 65534;

#[tokio::test]
async fn a_worker_that_is_aborted_leaves_no_core() {
    let world = World::new().await;
    // Where whoever it is may write.
    let folder = tempfile::tempdir().unwrap();
    let open = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(folder.path(), open).unwrap();
    let program = folder.path().join("aep-flow");
    std::fs::copy(env!("CARGO_BIN_EXE_aep-flow"), &program).unwrap();
    // Without the worker's own doing there would be one.
    let before = getrlimit(Resource::Core);
    let most = if rustix::process::geteuid().is_root() {
        None
    } else {
        before.maximum
    };
    let all = Rlimit {
        current: most,
        maximum: most,
    };
    setrlimit(Resource::Core, all).unwrap();
    let mut command = Command::new(&program);
    command
        .arg("worker")
        .current_dir(folder.path())
        .env_clear()
        .envs(world.variables())
        .env("TEMPORAL_CONFIG_FILE", "")
        .env("TEMPORAL_PROFILE", "")
        .env_remove("AEP_FLOW_SECRETS_FOLDER")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    if rustix::process::geteuid().is_root() {
        command.uid(USER).gid(USER);
    }
    let mut worker = command.spawn().unwrap();
    let pid = i32::try_from(worker.id().unwrap()).unwrap();
    let proc = format!("/proc/{pid}");
    let limits = eventually("the worker's limit", async || {
        assert_eq!(worker.try_wait().unwrap(), None);
        let limits = std::fs::read_to_string(format!("{proc}/limits")).unwrap();
        let line = limits
            .lines()
            .find(|line| line.starts_with("Max core file size"));
        let words = line.unwrap().split_whitespace();
        let limits: Vec<String> = words.skip(4).take(2).map(str::to_owned).collect();
        (limits[0] == "0").then_some(limits)
    })
    .await;
    assert_eq!(limits, ["0", "0"]);
    // The kernel keeps the memory of a process that is not dumpable from its own user.
    eventually("the worker's memory to be root's", async || {
        let owner = std::fs::metadata(format!("{proc}/mem")).unwrap().uid();
        (owner == 0).then_some(())
    })
    .await;
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::ABORT).unwrap();
    let status = worker.wait().await.unwrap();
    setrlimit(Resource::Core, before).unwrap();
    assert_eq!(status.signal(), Some(6));
    assert!(!status.core_dumped());
    let left = std::fs::read_dir(folder.path()).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["aep-flow"]);
}

#[tokio::test]
async fn a_panic_is_told_by_its_place_alone() {
    const CARRIED: &str = "s3cret-that-a-panic-carries";
    let world = World::new().await;
    let at = format!("before-report::{CARRIED}");
    let more = [
        ("AEP_FLOW_PANIC_AT", at.as_str()),
        ("AEP_FLOW_LOG_FILTER", "trace"),
        ("RUST_BACKTRACE", "1"),
    ];
    world.expect(("aep_flow::panics", "panicked: its message is not shown"));
    world.expect(FAILED_ATTEMPT);
    let worker = world.worker_process_with(&more, "panic.log");
    let run = world.start(&input(&[table("Contacts")])).await;
    run.end().await.unwrap();
    assert_eq!(counts(&world.emulator), whole_chain(1));
    drop(worker);

    let log = std::fs::read_to_string(world.folder().join("panic.log")).unwrap();
    assert!(log.contains("panicked: its message is not shown"));
    assert!(log.contains("crates/ensure/src/crash.rs"));
    assert!(!log.contains(CARRIED));
    let history = run.history().await;
    let failures: Vec<String> = history
        .iter()
        .filter_map(|event| match event.attributes.as_ref()? {
            Attributes::ActivityTaskStartedEventAttributes(started) => {
                Some(started.last_failure.as_ref()?.message.clone())
            }
            _ => None,
        })
        .collect();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(
        failures[0].contains("panicked at crates/ensure/src/crash.rs"),
        "{failures:?}"
    );
    let bytes: Vec<u8> = history
        .iter()
        .flat_map(|event| event.encode_to_vec())
        .collect();
    let is_in = bytes
        .windows(CARRIED.len())
        .any(|window| window == CARRIED.as_bytes());
    assert!(!is_in, "the history shows what a panic carried");
}
