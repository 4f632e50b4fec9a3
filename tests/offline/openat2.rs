//! A system that refuses `openat2`, as some sandboxes and older seccomp profiles do.

use std::process::Command;

use aep_flow::config::Environment;

/// Installs a seccomp filter under which `openat2` fails with the error `sys.argv[1]`, then
/// becomes the program.
const WITHOUT: &str = r#"
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
# Loads the number of the call, and refuses 437 (openat2, on every architecture).
code = b"".join(struct.pack("HBBI", *each) for each in [
    (0x20, 0, 0, 0), (0x15, 0, 1, 437), (0x06, 0, 0, 0x00050000 | int(sys.argv[1])),
    (0x06, 0, 0, 0x7FFF0000)])
lines = ctypes.create_string_buffer(code)
program = struct.pack("HxxxxxxP", 4, ctypes.addressof(lines))
zero = ctypes.c_ulong(0)
assert libc.prctl(38, ctypes.c_ulong(1), zero, zero, zero) == 0
if libc.prctl(22, ctypes.c_ulong(2), program, zero, zero) != 0:
    sys.exit(77)
os.execv(sys.argv[2], sys.argv[2:])
"#;

#[test]
fn it_is_noticed_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    // ENOSYS of a system without the call, EPERM of a filter.
    for errno in ["38", "1"] {
        for (command, code) in [("worker", 2), ("check", 1)] {
            let ran = Command::new("python3")
                .args([
                    "-c",
                    WITHOUT,
                    errno,
                    env!("CARGO_BIN_EXE_aep-flow"),
                    command,
                ])
                .current_dir(folder.path())
                .env_clear()
                .env(
                    "PATH",
                    Environment::of_process().get("PATH").unwrap_or_default(),
                )
                .env("TEMPORAL_ADDRESS", "127.0.0.1:1")
                .env("AEP_FLOW_SECRETS_FOLDER", folder.path())
                .output();
            let Some(ran) = ran.ok().filter(|ran| ran.status.code() != Some(77)) else {
                println!("left out: this machine has no Python or allows no seccomp filter");
                return;
            };
            let shown = String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap();
            assert_eq!(ran.status.code(), Some(code), "{errno} {command}: {shown}");
            for part in [
                "the system refuses the call `openat2`",
                "use Linux 5.6 or later",
            ] {
                assert!(shown.contains(part), "{errno} {command}: {shown}");
            }
        }
    }
}
