//! The commands as processes, without a Temporal server: help, exit codes, what is said on
//! which stream, and that no secret is among it.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use aep_emulator::Emulator;
use serde_json::Value;

mod plan;
mod sources;
mod sources_diff;

/// A command in a folder of its own, with nothing of this machine's environment.
fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aep-flow"));
    command
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        // Nobody listens on port 1.
        .env("TEMPORAL_ADDRESS", "127.0.0.1:1")
        .stdin(Stdio::null());
    command
}

/// Arguments to the command, and what came of it.
fn run(folder: &Path, arguments: &[&str]) -> Ran {
    Ran::from(command(folder).args(arguments).output().unwrap())
}

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// Exit code and both streams, as a snapshot.
    fn shown(&self) -> String {
        format!(
            "exit {}\n--- stdout\n{}--- stderr\n{}",
            self.code, self.stdout, self.stderr
        )
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.shown()))
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

const GOOD_SPEC: &str = "\
connection:
  name: OSC
  host: acme.custhelp.com
  username: svc_aep
  password: {env: OSC_PASSWORD}
tables:
  - table: Contacts
";

#[test]
fn the_help_teaches() {
    let ran = run(folder().path(), &["-h"]);
    insta::assert_snapshot!(ran.shown(), @r###"
    exit 0
    --- stdout
    A Temporal worker that takes tables into Adobe Experience Platform, exactly once

    Usage: aep-flow [OPTIONS] <COMMAND>

    Commands:
      worker        Run the worker until SIGTERM or Ctrl-C
      demo          Run one ingestion on this machine, on a real Temporal server and an emulated
                    platform
      ingest        Start an ingestion, or attach to the one that is running
      list          List ingestions: running, failing, or waiting for a person
      status        Show the state of an ingestion
      resolve       Resolve a step whose outcome is unknown
      sources       List the sources that can be ingested, or show what one of them needs
      schema        Print the JSON Schema of a specification, for editors
      explore       List a source's tables, a table's columns, or its first rows
      adopt         Put our marker on a resource that somebody created by hand
      check         Check that everything an ingestion needs is in place and reachable
      codec-server  Decrypt payloads for the Temporal UI and command line
      config        Show the configuration
      probe         Check a health URL: exits with 0 for a 2xx response within 2 s, else with 1
      completions   Print a completion script for a shell

    Options:
      -h, --help     Print help (see more with '--help')
      -V, --version  Print version

    Global options:
      -o, --output <OUTPUT>         Format of the result; json fields are added, never renamed [default:
                                    text] [possible values: text, json]
          --config <FILE>           Configuration file [env: AEP_FLOW_CONFIG] [default: aep-flow.toml
                                    here, then aep-flow/config.toml in the folder for configuration]
          --set <KEY=VALUE>         Set any setting except a secret, such as `--set aep.sandbox=dev`;
                                    may be repeated
          --catalog <DIR>           Folder of sources that replace or extend those compiled in [env:
                                    AEP_FLOW_CATALOG_DIR]
          --address <HOST:PORT>     Host and port of the Temporal server [env: TEMPORAL_ADDRESS]
                                    [default: localhost:7233]
      -n, --namespace <NAMESPACE>   Namespace at the Temporal server [env: TEMPORAL_NAMESPACE] [default:
                                    default]
          --profile <PROFILE>       Profile of the Temporal configuration file [env: TEMPORAL_PROFILE]
          --temporal-config <FILE>  Temporal configuration file [env: TEMPORAL_CONFIG_FILE]

    Exit codes:
      0    done
      1    refused: you can fix it
      2    the command line or the configuration is wrong; nothing was done
      3    outcome unknown: check the platform before you run it again
      4    a service or the worker could not be reached: run it again
      130  interrupted with Ctrl-C or another signal
    --- stderr
    "###);
}

#[test]
fn without_a_command_the_help_is_shown() {
    let ran = run(folder().path(), &[]);
    assert_eq!(ran.code, 2, "{}", ran.shown());
    assert!(ran.stderr.contains("Usage: aep-flow"), "{}", ran.shown());
}

#[test]
fn every_command_has_a_help_with_examples() {
    let folder = folder();
    for arguments in [
        &["worker"][..],
        &["demo"],
        &["ingest"],
        &["list"],
        &["status"],
        &["sources"],
        &["sources", "show"],
        &["sources", "diff"],
        &["schema"],
        &["ingest", "plan"],
        &["explore"],
        &["adopt"],
        &["check"],
        &["codec-server"],
        &["config", "show"],
        &["probe"],
        &["completions"],
    ] {
        let ran = run(folder.path(), &[arguments, &["--help"]].concat());
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.shown());
        assert!(ran.stdout.contains("Examples:"), "{arguments:?}");
        assert_eq!(ran.stderr, "", "{arguments:?}");
    }
    for what in ["tables", "table", "preview"] {
        let ran = run(folder.path(), &["explore", what, "--help"]);
        assert!(ran.stdout.contains("--base-connection"), "{}", ran.shown());
    }
}

#[test]
fn a_codec_server_that_can_not_be_trusted_does_not_start() {
    let folder = folder();
    let key = "k=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    let start = |arguments: &[&str], keys: &str| {
        let mut command = command(folder.path());
        command
            .arg("codec-server")
            .args(arguments)
            .env("AEP_FLOW_CODEC_KEYS", keys)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while child.try_wait().unwrap().is_none() {
            // One that starts would serve for ever.
            if Instant::now() > deadline {
                child.kill().unwrap();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let ran = Ran::from(child.wait_with_output().unwrap());
        assert_eq!(ran.code, 2, "{}", ran.shown());
        assert!(!ran.shown().contains("00112233"), "{}", ran.shown());
        ran.stderr
    };
    for (arguments, keys, expected, hint) in [
        (&[][..], "", "has no keys", "AEP_FLOW_CODEC_KEYS"),
        (
            &["--listen", "0.0.0.0:0", "--trust-machine"],
            key,
            "everybody who can reach 0.0.0.0:0",
            "--behind-proxy",
        ),
        (
            &[],
            key,
            "everybody who can reach 127.0.0.1:8081",
            "--trust-machine",
        ),
        (
            &["--origin", "*", "--trust-machine"],
            key,
            "`*` in `codec.server_origins`",
            "scheme, host and port",
        ),
        (
            &["--listen", "here"],
            key,
            "`codec.server_listen`",
            "docs/configuration.md",
        ),
        (&[], &key[1..], "has no valid id", "AEP_FLOW_CODEC_KEYS"),
        (&[], &key[..40], "whose key `k`", "docs/configuration.md"),
        (
            &["--set", &format!("codec.keys={key}")],
            key,
            "literal secret",
            "AEP_FLOW_CODEC_KEYS",
        ),
    ] {
        let said = start(arguments, keys);
        assert!(said.contains(expected), "{arguments:?}: {said}");
        assert!(said.contains(hint), "{arguments:?}: {said}");
    }
}

#[test]
fn a_wrong_argument_is_usage() {
    let folder = folder();
    for arguments in [
        &["ingst"][..],
        &["ingest"],
        &["status"],
        &["explore", "tables"],
        &["sources", "show"],
        &["sources", "diff"],
        &["sources", "--all", "show", "mysql"],
        &["check", "--output", "xml"],
        &["list", "--limit", "0"],
        &["list", "--failing", "RateLimited"],
        &["check", "--set", "hunter2"],
    ] {
        let ran = run(folder.path(), arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.shown());
        assert_eq!(ran.stdout, "", "{arguments:?}");
    }
}

#[test]
fn completions_are_made_for_every_shell() {
    let folder = folder();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = run(folder.path(), &["completions", shell]);
        assert_eq!(ran.code, 0, "{}", ran.shown());
        assert!(ran.stdout.contains("ingest"), "{shell}");
    }
}

#[test]
fn a_slip_in_the_configuration_names_key_and_file() {
    let folder = folder();
    std::fs::write(
        folder.path().join("aep-flow.toml"),
        "[aep]\nsandbx = \"dev\"\n",
    )
    .unwrap();
    let ran = run(folder.path(), &["status", "some-id"]);
    insta::assert_snapshot!(ran.shown(), @r###"
    exit 2
    --- stdout
    --- stderr
    error: unknown key `aep.sandbx` in `aep-flow.toml`

    hint: did you mean `aep.sandbox`?
    "###);
}

#[test]
fn a_literal_secret_is_refused_and_not_repeated() {
    let folder = folder();
    let file = folder.path().join("aep-flow.toml");
    std::fs::write(&file, "[aep]\nclient_secret = \"hunter2\"\n").unwrap();
    let ran = run(folder.path(), &["config", "show"]);
    assert!(!ran.shown().contains("hunter2"), "{}", ran.shown());
    insta::assert_snapshot!(ran.shown(), @r###"
    exit 2
    --- stdout
    --- stderr
    error: `aep.client_secret` in `aep-flow.toml` is a literal secret

    hint: put it into the variable `AEP_FLOW_CLIENT_SECRET`, or refer to it: `client_secret = { env = "NAME" }` or `client_secret = { file = "path" }`
    "###);
}

#[test]
fn config_show_masks_secrets_and_tells_origins() {
    let folder = folder();
    std::fs::write(
        folder.path().join("aep-flow.toml"),
        "[aep]\nsandbox = \"dev\"\n",
    )
    .unwrap();
    let show = |output: &str| {
        Ran::from(
            command(folder.path())
                .env("AEP_FLOW_CLIENT_SECRET", "hunter2")
                .env("AEP_FLOW_PAGE_SIZE", "7")
                .args([
                    "config",
                    "show",
                    "--set",
                    "ensure.looks=5",
                    "--output",
                    output,
                ])
                .output()
                .unwrap(),
        )
    };
    let ran = show("json");
    assert_eq!(ran.code, 0, "{}", ran.shown());
    assert!(!ran.shown().contains("hunter2"), "{}", ran.shown());
    let answer = ran.json();
    let setting = |key: &str| {
        let settings = answer["settings"].as_array().unwrap();
        let found = settings.iter().find(|setting| setting["key"] == key);
        let found = found.unwrap_or_else(|| panic!("no {key}"));
        let text = |field: &str| found[field].as_str().unwrap().to_owned();
        (text("value"), text("origin"))
    };
    let pair = |value: &str, origin: &str| (value.to_owned(), origin.to_owned());
    assert_eq!(
        setting("aep.client_secret"),
        pair("***", "environment, AEP_FLOW_CLIENT_SECRET")
    );
    assert_eq!(setting("aep.sandbox"), pair("dev", "aep-flow.toml"));
    assert_eq!(
        setting("aep.page_size"),
        pair("7", "environment, AEP_FLOW_PAGE_SIZE")
    );
    assert_eq!(setting("ensure.looks"), pair("5", "flag"));
    assert_eq!(setting("log.format"), pair("auto", "default"));
    assert_eq!(answer["temporal"]["address"], "http://127.0.0.1:1/");

    let ran = show("text");
    assert!(!ran.shown().contains("hunter2"), "{}", ran.shown());
    let line = ran
        .stdout
        .lines()
        .find(|line| line.starts_with("aep.client_secret"))
        .unwrap();
    assert!(line.contains("***"), "{line}");
}

#[test]
fn a_bad_specification_is_told_with_its_paths_before_anything_is_sent() {
    let folder = folder();
    let bad = GOOD_SPEC
        .replace("acme.custhelp.com", "ftp://acme")
        .replace(
            "- table: Contacts",
            "- table: Contacts\n    deltaColumn: updatedTime",
        );
    std::fs::write(folder.path().join("spec.yaml"), bad).unwrap();
    let ran = run(folder.path(), &["ingest", "-f", "spec.yaml"]);
    insta::assert_snapshot!(ran.shown(), @r###"
    exit 1
    --- stdout
    --- stderr
    error: the specification `spec.yaml` is not valid
      connection.host: found the scheme `ftp`, expected a host name such as `acme.custhelp.com`, or `https://` and that name
      tables[0].deltaColumn: found `updatedTime`, expected none with frequency ONCE

    hint: correct the named fields and run it again; nothing was sent
    "###);
}

#[test]
fn a_misspelt_field_and_a_literal_password_are_told() {
    let folder = folder();
    let case = |spec: &str| {
        std::fs::write(folder.path().join("spec.yaml"), spec).unwrap();
        let ran = run(folder.path(), &["ingest", "-f", "spec.yaml"]);
        assert_eq!(ran.code, 1, "{}", ran.shown());
        assert!(!ran.shown().contains("hunter2"), "{}", ran.shown());
        ran.stderr
    };
    let misspelt = case(&GOOD_SPEC.replace("username", "usernam"));
    assert!(
        misspelt.contains("connection.usernam: found an unknown field"),
        "{misspelt}"
    );
    let literal = case(&GOOD_SPEC.replace("{env: OSC_PASSWORD}", "hunter2"));
    assert!(literal.contains("connection.password"), "{literal}");
    let broken = case(&GOOD_SPEC.replace("{env: OSC_PASSWORD}", "{hunter2"));
    assert!(broken.contains("neither YAML nor JSON"), "{broken}");
}

#[test]
fn a_specification_that_is_not_there_is_usage() {
    let ran = run(folder().path(), &["ingest", "-f", "gone.yaml"]);
    assert_eq!(ran.code, 2, "{}", ran.shown());
    assert!(
        ran.stderr.contains("`gone.yaml` can't be read"),
        "{}",
        ran.shown()
    );
}

#[test]
fn without_a_server_it_says_so_and_how_to_go_on() {
    let folder = folder();
    std::fs::write(folder.path().join("spec.yaml"), GOOD_SPEC).unwrap();
    for arguments in [
        &["ingest", "-f", "spec.yaml"][..],
        &["status", "ingest/prod/OSC"],
        &["list"],
        &["worker"],
    ] {
        let ran = run(folder.path(), arguments);
        assert_eq!(ran.code, 4, "{arguments:?}: {}", ran.shown());
        assert_eq!(ran.stdout, "", "{arguments:?}");
        for part in [
            "error: no Temporal server responds at http://127.0.0.1:1/",
            "\n  caused by: ",
            "\n\nhint: start a server with `temporal server start-dev`",
        ] {
            assert!(
                ran.stderr.contains(part),
                "{arguments:?}: {part}: {}",
                ran.shown()
            );
        }
    }
}

#[test]
fn explore_without_credentials_is_a_matter_of_configuration() {
    let ran = run(folder().path(), &["explore", "tables", "-b", "some-id"]);
    assert_eq!(ran.code, 2, "{}", ran.shown());
    assert!(ran.stderr.contains("AEP_FLOW_CLIENT_ID"), "{}", ran.shown());
}

#[test]
fn check_without_anything_says_what_to_set() {
    let ran = run(folder().path(), &["check"]);
    insta::with_settings!({filters => vec![(r"(?m)responds at .*$", "responds at …")]}, {
        insta::assert_snapshot!(ran.shown(), @r###"
        exit 1
        --- stdout
        ok    configuration       defaults and environment, no file
        skip  secrets: variables  inputs may use no variable: {"env": "NAME"} is refused
                                  fix: set `secrets.env_allow` (`AEP_FLOW_SECRETS_ENV_ALLOW`) to names or prefixes such as `OSC_*`, if inputs need variables
        fail  temporal            no Temporal server responds at …
                                  fix: start a server with `temporal server start-dev`, or name one with `--address HOST:PORT`, `TEMPORAL_ADDRESS` or a profile in `temporal.toml`
        skip  namespace           no server
        skip  search attributes   no server
        skip  workers             no server
        fail  credentials         not set: AEP_FLOW_CLIENT_ID, AEP_FLOW_CLIENT_SECRET, AEP_FLOW_ORG_ID
                                  fix: create an OAuth server-to-server credential in Adobe's Developer Console, in a project with the Experience Platform API, and set what is missing
        skip  sandbox             no credentials
        skip  right: sources      no credentials
        skip  right: schemas      no credentials
        skip  right: datasets     no credentials
        skip  clock               no credentials
        --- stderr
        "###);
    });
}

/// The command with the emulator's credentials.
fn against(emulator: &Emulator, folder: &Path) -> Command {
    let mut command = command(folder);
    command
        .env("AEP_FLOW_PLATFORM_URL", emulator.url())
        .env("AEP_FLOW_IMS_URL", emulator.url())
        .env("AEP_FLOW_ALLOW_INSECURE", "true")
        .env("AEP_FLOW_ORG_ID", aep_emulator::DEFAULT_ORG)
        .env("AEP_FLOW_CLIENT_ID", aep_emulator::DEFAULT_CLIENT_ID)
        .env(
            "AEP_FLOW_CLIENT_SECRET",
            aep_emulator::DEFAULT_CLIENT_SECRET,
        );
    command
}

async fn finish(mut command: Command) -> Ran {
    // The emulator answers from this runtime's threads meanwhile.
    let output = tokio::task::spawn_blocking(move || command.output());
    Ran::from(output.await.unwrap().unwrap())
}

/// Name and result of each check.
fn results(ran: &Ran) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let answer = ran.json();
    let checks = answer["checks"].as_array().unwrap();
    checks
        .iter()
        .map(|check| (text(&check["name"]), text(&check["result"])))
        .collect()
}

#[tokio::test]
async fn check_finds_the_platform_good_and_the_server_away() {
    let emulator = Emulator::start(aep_emulator::Config::default())
        .await
        .unwrap();
    let folder = folder();
    let mut check = against(&emulator, folder.path());
    check.args(["check", "--output", "json"]);
    let ran = finish(check).await;
    assert_eq!(ran.code, 4, "{}", ran.shown());
    let expected = [
        ("configuration", "ok"),
        ("secrets: variables", "skip"),
        ("temporal", "fail"),
        ("namespace", "skip"),
        ("search attributes", "skip"),
        ("workers", "skip"),
        ("credentials", "ok"),
        ("sandbox", "ok"),
        ("right: sources", "ok"),
        ("right: schemas", "ok"),
        ("right: datasets", "ok"),
        ("clock", "ok"),
    ]
    .map(|(name, result)| (name.to_owned(), result.to_owned()));
    assert_eq!(results(&ran), expected);
    emulator.shutdown().await;
}

#[tokio::test]
async fn check_tells_a_wrong_secret_and_a_sandbox_that_is_not_there() {
    let emulator = Emulator::start(aep_emulator::Config::default())
        .await
        .unwrap();
    let folder = folder();
    let mut wrong_secret = against(&emulator, folder.path());
    wrong_secret
        .env("AEP_FLOW_CLIENT_SECRET", "hunter2")
        .args(["check", "--output", "json"]);
    let ran = finish(wrong_secret).await;
    assert_eq!(ran.code, 1, "{}", ran.shown());
    assert!(!ran.shown().contains("hunter2"), "{}", ran.shown());
    assert!(results(&ran).contains(&("credentials".to_owned(), "fail".to_owned())));

    for (sandbox, said) in [
        ("nowhere", "there is no sandbox"),
        ("resetting", "is not active"),
    ] {
        let mut check = against(&emulator, folder.path());
        check.env("AEP_FLOW_SANDBOX", sandbox).args(["check"]);
        let ran = finish(check).await;
        assert_eq!(ran.code, 1, "{}", ran.shown());
        assert!(ran.stdout.contains(said), "{}", ran.shown());
    }
    emulator.shutdown().await;
}

#[tokio::test]
async fn exploring_what_is_not_there_is_refused_with_the_request_id() {
    let emulator = Emulator::start(aep_emulator::Config::default())
        .await
        .unwrap();
    let folder = folder();
    let mut explore = against(&emulator, folder.path());
    explore.args([
        "explore",
        "tables",
        "--base-connection",
        "4267c2ab-2104-474f-a7c2-ab2104d74f86",
    ]);
    let ran = finish(explore).await;
    assert_eq!(ran.code, 1, "{}", ran.shown());
    assert_eq!(ran.stdout, "");
    for part in [
        "4267c2ab-2104-474f-a7c2-ab2104d74f86",
        "sandbox `prod`",
        "(request ",
        "hint: ",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.shown());
    }
    emulator.shutdown().await;
}

#[test]
fn a_decision_goes_one_way() {
    let folder = folder();
    for arguments in [
        &["resolve", "id"][..],
        &["resolve", "id", "--adopt", "x1", "--retry"],
        &["resolve", "--retry"],
    ] {
        let ran = run(folder.path(), arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.shown());
        assert_eq!(ran.stdout, "", "{arguments:?}");
    }
    let ran = run(folder.path(), &["resolve", "id", "--retry"]);
    assert_eq!(ran.code, 4, "{}", ran.shown());
}

#[test]
fn a_probe_of_nobody_is_refused_with_the_reason() {
    let folder = folder();
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/readyz", listener.local_addr().unwrap());
    drop(listener);
    let ran = run(folder.path(), &["probe", &url]);
    assert_eq!(ran.code, 1, "{}", ran.shown());
    assert!(
        ran.stderr.contains("no connection to 127.0.0.1:"),
        "{}",
        ran.shown()
    );
}
