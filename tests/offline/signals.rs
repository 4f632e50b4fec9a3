//! Signals to stop while a process still waits for a server that never responds.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use aep_flow::config::Environment;

/// Less than any timeout of a connection.
const AT_ONCE: Duration = Duration::from_secs(5);

/// A server that accepts connections, and the first of them, from which nobody reads.
type Silent = (TcpListener, TcpStream);

/// The program with these words in front of it, connected to a server that never responds.
fn connecting(folder: &Path, before: &[&str], arguments: &[&str]) -> (Child, Silent) {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut words = before.to_vec();
    words.push(env!("CARGO_BIN_EXE_aep-flow"));
    words.extend(arguments);
    let child = Command::new(words[0])
        .args(&words[1..])
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env(
            "PATH",
            Environment::of_process().get("PATH").unwrap_or_default(),
        )
        .env("TEMPORAL_ADDRESS", silent.local_addr().unwrap().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (connection, _) = silent.accept().unwrap();
    (child, (silent, connection))
}

fn send(signal: &str, pid: u32) {
    let sent = Command::new("kill")
        .args([format!("-{signal}"), pid.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// How the process ends, which it does at once.
fn end(mut child: Child, what: &str) -> ExitStatus {
    let since = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if since.elapsed() > AT_ONCE {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{what}: it did not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_worker_that_connects_stops_at_each_signal() {
    for signal in ["TERM", "INT", "HUP", "QUIT"] {
        let folder = tempfile::tempdir().unwrap();
        let (child, _silent) = connecting(folder.path(), &[], &["worker"]);
        send(signal, child.id());
        let status = end(child, signal);
        assert_eq!(status.code(), Some(0), "{signal}: {status}");
    }
}

#[test]
fn a_command_that_connects_stops_at_each_signal() {
    for signal in ["TERM", "INT", "HUP", "QUIT"] {
        let folder = tempfile::tempdir().unwrap();
        let (child, _silent) = connecting(folder.path(), &[], &["list"]);
        send(signal, child.id());
        let status = end(child, signal);
        assert_eq!(status.code(), Some(130), "{signal}: {status}");
    }
}

/// The kernel ignores the default action of a signal in process 1, so only a handler stops it.
#[test]
fn process_1_stops_while_it_connects() {
    const ALONE: [&str; 5] = ["unshare", "--user", "--map-root-user", "--pid", "--fork"];
    let can = Command::new(ALONE[0])
        .args(&ALONE[1..])
        .arg("true")
        .output();
    if !can.is_ok_and(|ran| ran.status.success()) {
        println!("left out: this machine allows no PID namespace of its own");
        return;
    }
    for (arguments, code) in [(["worker"], 0), (["list"], 130)] {
        let folder = tempfile::tempdir().unwrap();
        let (child, _silent) = connecting(folder.path(), &ALONE, &arguments);
        let children = format!("/proc/{0}/task/{0}/children", child.id());
        let inner = std::fs::read_to_string(children).unwrap();
        send("TERM", inner.trim().parse().unwrap());
        assert_eq!(end(child, arguments[0]).code(), Some(code));
    }
}

#[test]
fn a_worker_under_nohup_outlives_its_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let (child, _silent) = connecting(folder.path(), &["nohup"], &["worker"]);
    assert!(has(child.id(), "SigCgt:", 15));
    assert!(has(child.id(), "SigIgn:", 1));
    send("TERM", child.id());
    assert_eq!(end(child, "TERM").code(), Some(0));
}

#[test]
fn a_worker_stops_while_it_reads_its_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("aep-flow.toml");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let child = Command::new(env!("CARGO_BIN_EXE_aep-flow"))
        .arg("worker")
        .env_clear()
        // Nobody writes into it, so that reading never ends.
        .env("AEP_FLOW_CONFIG", &pipe)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let since = Instant::now();
    while !has(child.id(), "SigCgt:", 15) {
        assert!(since.elapsed() < AT_ONCE, "it does not handle SIGTERM");
        std::thread::sleep(Duration::from_millis(10));
    }
    send("TERM", child.id());
    assert_eq!(end(child, "TERM").code(), Some(0));
}

/// Whether a signal is in a mask of the process: `SigCgt:` has those with a handler.
fn has(pid: u32, mask: &str, signal: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix(mask));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}
