//! `aep-flow check` and the worker on a configuration with each mistake that gives a secret away
//! or sends it elsewhere: what is said, and what to do about it.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A mistake: variables, and the check that finds it, with its result, message and fix. `FOLDER`
/// means a folder of the case's own.
struct Mistake {
    name: &'static str,
    variables: &'static [(&'static str, &'static str)],
    check: &'static str,
    result: &'static str,
    message: &'static str,
    fix: &'static str,
    /// Whether a worker with it starts not at all.
    is_fatal: bool,
}

const NO_RIGHTS_FOR_OTHERS: &str = "remove the permissions of others: `chmod o-rwx FILE`, or \
                                    a `defaultMode` of 0440 for a Kubernetes volume";
const VAULT: (&str, &str) = ("AEP_FLOW_VAULT_ADDRESS", "https://vault.example:8200");
const VAULT_ALLOW: (&str, &str) = ("AEP_FLOW_VAULT_ALLOW", "osc/*");

const MISTAKES: &[Mistake] = &[
    Mistake {
        name: "an http address of the platform",
        variables: &[("AEP_FLOW_PLATFORM_URL", "http://platform.example")],
        check: "way to Adobe",
        result: "fail",
        message: "aep.platform_url `http://platform.example/` is not https",
        fix: "set `aep.platform_url` and `aep.ims_url` to https addresses; for an emulator on this \
              machine set `aep.allow_insecure`",
        is_fatal: true,
    },
    Mistake {
        name: "an http address that is allowed to be insecure, and is not this machine",
        variables: &[
            ("AEP_FLOW_IMS_URL", "http://ims.example"),
            ("AEP_FLOW_ALLOW_INSECURE", "true"),
        ],
        check: "way to Adobe",
        result: "fail",
        message: "aep.ims_url `http://ims.example/` is not https",
        fix: "set `aep.platform_url` and `aep.ims_url` to https addresses; for an emulator on this \
              machine set `aep.allow_insecure`",
        is_fatal: true,
    },
    Mistake {
        name: "a certificate authority that is not there",
        variables: &[("AEP_FLOW_CA_CERTIFICATE", "FOLDER/no-such-ca.pem")],
        check: "way to Adobe",
        result: "fail",
        message: "cannot read the certificates in FOLDER/no-such-ca.pem: No such file or directory",
        fix: "set `aep.ca_certificate` to a PEM file with the authority's certificate, or leave it \
              out to trust only the system's",
        is_fatal: true,
    },
    Mistake {
        name: "a certificate authority that is none",
        variables: &[("AEP_FLOW_CA_CERTIFICATE", "FOLDER/secrets/password")],
        check: "way to Adobe",
        result: "fail",
        message: "the certificate authorities can't be used: there is none in the PEM text",
        fix: "set `aep.ca_certificate` to a PEM file with the authority's certificate, or leave it \
              out to trust only the system's",
        is_fatal: true,
    },
    Mistake {
        name: "a proxy that speaks something else",
        variables: &[("HTTPS_PROXY", "socks5://svc:hunter2@proxy.example:1080")],
        check: "configuration",
        result: "fail",
        message: "`proxy.https` from the variable `HTTPS_PROXY` is something else, expected a \
                  proxy such as `http://proxy.example:3128`",
        fix: "",
        is_fatal: true,
    },
    Mistake {
        name: "the client's secret in a file that everybody may read",
        variables: &[("AEP_FLOW_CLIENT_SECRET_FILE", "FOLDER/secrets/password")],
        check: "secrets: files",
        result: "warn",
        message: "everybody on this machine may read FOLDER/secrets/password, and it holds \
                  `aep.client_secret`",
        fix: NO_RIGHTS_FOR_OTHERS,
        is_fatal: false,
    },
    Mistake {
        name: "a secret of a source that everybody may read",
        variables: &[("AEP_FLOW_SECRETS_FOLDER", "FOLDER/secrets")],
        check: "secrets: folder",
        result: "warn",
        message: "everybody on this machine may read FOLDER/secrets/password",
        fix: NO_RIGHTS_FOR_OTHERS,
        is_fatal: false,
    },
    Mistake {
        name: "a secrets folder with `..`",
        variables: &[("AEP_FLOW_SECRETS_FOLDER", "FOLDER/secrets/../secrets")],
        check: "secrets: folder",
        result: "warn",
        message: "FOLDER/secrets/../secrets contains `..`, so links decide",
        fix: "set `secrets.folder` to the folder's full path",
        is_fatal: false,
    },
    Mistake {
        name: "a secrets folder that is none",
        variables: &[("AEP_FLOW_SECRETS_FOLDER", "FOLDER/nowhere")],
        check: "secrets: folder",
        result: "fail",
        message: "FOLDER/nowhere is not a folder on this machine",
        fix: "create it, or change the setting `secrets.folder`",
        is_fatal: false,
    },
    Mistake {
        name: "no prefix for variables",
        variables: &[],
        check: "secrets: variables",
        result: "skip",
        message: r#"inputs may use no variable: {"env": "NAME"} is refused"#,
        fix: "set `secrets.env_allow` (`AEP_FLOW_SECRETS_ENV_ALLOW`) to names or prefixes such as \
              `OSC_*`, if inputs need variables",
        is_fatal: false,
    },
    Mistake {
        name: "every variable",
        variables: &[("AEP_FLOW_SECRETS_ENV_ALLOW", "*")],
        check: "secrets: variables",
        result: "warn",
        message: "`*` lets anyone who may start a workflow read variables that are not for inputs",
        fix: "set `secrets.env_allow` to the names or prefixes for inputs, such as `OSC_*`",
        is_fatal: false,
    },
    Mistake {
        name: "no rule for a secret",
        variables: &[("AEP_FLOW_SECRETS_ENV_ALLOW", "OSC_*")],
        check: "secrets: rules",
        result: "warn",
        message: "whoever may start a workflow can send each secret that inputs may use to a host \
                  of their choice",
        fix: "add a `[[secrets.rule]]` with `secret`, `sources` and `hosts` for each secret",
        is_fatal: false,
    },
    Mistake {
        name: "a rule that matches no reference",
        variables: &[(
            "AEP_FLOW_SECRETS_RULE",
            r#"[{ secret = "OSC_PASSWORD", sources = ["*"], hosts = ["*"] }]"#,
        )],
        check: "configuration",
        result: "fail",
        message: "a secret begins with `env:`, `file:` or `vault:`",
        fix: "docs/configuration.md describes every setting",
        is_fatal: true,
    },
    Mistake {
        name: "a Vault without paths that inputs may read",
        variables: &[VAULT, ("AEP_FLOW_VAULT_TOKEN", "hunter2")],
        check: "secrets: Vault",
        result: "fail",
        message: "vault.address is set, but vault.allow names no path that inputs may read",
        fix: "set `vault.allow` (`AEP_FLOW_VAULT_ALLOW`) to the paths that inputs may read, such \
              as `osc/*`",
        is_fatal: true,
    },
    Mistake {
        name: "a Vault by http",
        variables: &[
            ("AEP_FLOW_VAULT_ADDRESS", "http://vault.example:8200"),
            VAULT_ALLOW,
            ("AEP_FLOW_VAULT_TOKEN", "hunter2"),
            ("AEP_FLOW_VAULT_ALLOW_INSECURE", "true"),
        ],
        check: "secrets: Vault",
        result: "fail",
        message: "vault.address `http://vault.example:8200/` is not https",
        fix: "set `vault.address` to an https address; for a server on this machine, set \
              `vault.allow_insecure` too",
        is_fatal: true,
    },
    Mistake {
        name: "a Vault without a login",
        variables: &[VAULT, VAULT_ALLOW],
        check: "secrets: Vault",
        result: "fail",
        message: "vault.address is set, but no login method is",
        fix: "set one of: `vault.token`; `vault.role_id` and `vault.secret_id`; \
              `vault.kubernetes_role`",
        is_fatal: true,
    },
    Mistake {
        name: "a Vault with two logins",
        variables: &[
            VAULT,
            VAULT_ALLOW,
            ("AEP_FLOW_VAULT_TOKEN", "hunter2"),
            ("AEP_FLOW_VAULT_KUBERNETES_ROLE", "aep-flow"),
        ],
        check: "secrets: Vault",
        result: "fail",
        message: "more than one login method for Vault is set",
        fix: "set one of: `vault.token`; `vault.role_id` and `vault.secret_id`; \
              `vault.kubernetes_role`",
        is_fatal: true,
    },
    Mistake {
        name: "a Vault that is away",
        variables: &[
            ("AEP_FLOW_VAULT_ADDRESS", "http://127.0.0.1:1"),
            ("AEP_FLOW_VAULT_ALLOW_INSECURE", "true"),
            VAULT_ALLOW,
            ("AEP_FLOW_VAULT_TOKEN", "hunter2"),
        ],
        check: "secrets: Vault",
        result: "fail",
        message: "Vault can't be reached",
        fix: "wait until Vault is back; if it stays away, check Vault and `vault.address`",
        is_fatal: false,
    },
];

/// A folder with a secret that everybody may read.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let secrets = folder.path().join("secrets");
    std::fs::create_dir(&secrets).unwrap();
    std::fs::write(secrets.join("password"), "hunter2").unwrap();
    set_mode(&secrets, 0o755);
    set_mode(&secrets.join("password"), 0o644);
    folder
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The program with a mistake, and what of it stays the same in each case.
fn run(mistake: &Mistake, folder: &Path, arguments: &[&str]) -> (Output, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aep-flow"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        // Nobody listens on port 1.
        .env("TEMPORAL_ADDRESS", "127.0.0.1:1")
        .env("AEP_FLOW_ORG_ID", aep_emulator::DEFAULT_ORG)
        .env("AEP_FLOW_CLIENT_ID", "client")
        .env("AEP_FLOW_CLIENT_SECRET", "hunter2")
        // So that no address is called that a case does not name.
        .env("AEP_FLOW_PLATFORM_URL", "https://127.0.0.1:1")
        .env("AEP_FLOW_IMS_URL", "https://127.0.0.1:1")
        .stdin(Stdio::null());
    let names = mistake.variables.iter().map(|(name, _)| *name);
    for name in names {
        if let Some(name) = name.strip_suffix("_FILE") {
            command.env_remove(name);
        }
    }
    let place = folder.display().to_string();
    for (name, value) in mistake.variables {
        command.env(name, value.replace("FOLDER", &place));
    }
    let output = command.output().unwrap();
    let shown = [&output.stdout[..], &output.stderr[..]].concat();
    let shown = String::from_utf8(shown).unwrap().replace(&place, "FOLDER");
    assert!(!shown.contains("hunter2"), "{}: {shown}", mistake.name);
    (output, shown)
}

#[test]
fn each_mistake_is_found_with_what_to_do_about_it() {
    for mistake in MISTAKES {
        let name = mistake.name;
        let folder = folder();
        let (_, shown) = run(mistake, folder.path(), &["check", "--output", "json"]);
        let answer: serde_json::Value = serde_json::from_str(&shown).unwrap();
        let checks = answer["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["name"] == mistake.check);
        let check = check.unwrap_or_else(|| panic!("{name}: {shown}"));
        assert_eq!(check["result"], mistake.result, "{name}: {check}");
        let message = check["message"].as_str().unwrap();
        assert!(message.contains(mistake.message), "{name}: {check}");
        let fix = check["fix"].as_str().unwrap();
        assert!(fix.contains(mistake.fix), "{name}: {check}");
    }
}

#[test]
fn a_worker_says_the_same_when_it_starts() {
    for mistake in MISTAKES.iter().filter(|mistake| mistake.result != "skip") {
        let name = mistake.name;
        let folder = folder();
        let (output, shown) = run(mistake, folder.path(), &["worker"]);
        // Without a server none stays up.
        let code = output.status.code();
        if mistake.is_fatal {
            assert_eq!(code, Some(2), "{name}: {shown}");
            // Causes stand on lines of their own.
            for part in mistake.message.split(": ") {
                assert!(shown.contains(part), "{name}: {shown}");
            }
            assert!(shown.contains(mistake.fix), "{name}: {shown}");
        } else {
            assert_eq!(code, Some(4), "{name}: {shown}");
        }
    }
}

#[test]
fn a_worker_warns_of_files_that_everybody_may_read() {
    for mistake in MISTAKES
        .iter()
        .filter(|mistake| mistake.fix == NO_RIGHTS_FOR_OTHERS)
    {
        let folder = folder();
        let (_, shown) = run(mistake, folder.path(), &["worker"]);
        let said = "everybody on this machine may read FOLDER/secrets/password";
        assert!(shown.contains(said), "{}: {shown}", mistake.name);
        assert!(shown.contains("chmod o-rwx"), "{}: {shown}", mistake.name);
    }
}
