//! From files, variables and flags to a configuration, or to an error that names the source.

use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::{Config, ConfigError, Environment, Loaded, LogFormat, Origin, Sources};

fn load(
    file: Option<&str>,
    environment: &[(&str, &str)],
    flags: &[(&str, &str)],
) -> Result<Loaded, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    if let Some(text) = file {
        std::fs::write(folder.path().join("aep-flow.toml"), text).unwrap();
    }
    std::fs::write(folder.path().join("secret"), "from-a-file\n").unwrap();
    Config::load(&sources(folder.path(), environment, flags))
}

fn sources(folder: &Path, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Sources {
    Sources {
        config_file: None,
        folder: folder.to_owned(),
        environment: environment.iter().copied().collect(),
        flags: flags
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

/// The error and its hint, which must not hold the word `hidden`.
fn refusal(file: Option<&str>, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> String {
    let error = load(file, environment, flags).unwrap_err();
    let shown = format!("{error} / {} / {error:?}", error.next_step());
    assert!(!shown.contains("hidden"), "{shown}");
    shown
}

#[test]
fn rules_of_secrets_are_the_same_in_each_place() {
    let file = "[secrets]\nenv_allow = [\"OSC_*\"]\n[[secrets.rule]]\nsecret = \"env:OSC_*\"\n\
                sources = [\"oracle-service-cloud\"]\nhosts = [\"*.custhelp.com\"]\n";
    let of_file = load(Some(file), &[], &[]).unwrap().config;
    let [rule] = of_file.secrets.rule.as_slice() else {
        panic!("{:?}", of_file.secrets.rule);
    };
    assert_eq!(rule.secret, "env:OSC_*");
    assert_eq!(rule.sources, ["oracle-service-cloud"]);
    assert_eq!(rule.hosts, ["*.custhelp.com"]);
    // As `config show` prints it.
    let shown = of_file.shown();
    let shown = shown
        .iter()
        .find(|each| each.key == "secrets.rule")
        .unwrap();
    let environment = [(shown.env, shown.value.as_str())];
    let of_environment = load(None, &environment, &[]).unwrap().config;
    assert_eq!(of_environment.secrets.rule, of_file.secrets.rule);
    // None of them would let every secret go everywhere.
    for wrong in [
        "[]",
        "[{ secret = \"env:A\", sources = [\"mysql\"] }]",
        "[{ secret = \"env:A\", sources = [\"mysql\"], hosts = [\"*\"], host = \"a\" }]",
        "[]\nother = 1",
    ] {
        let shown = refusal(None, &[("AEP_FLOW_SECRETS_RULE", wrong)], &[]);
        assert!(shown.contains("`secrets.rule`"), "{wrong}: {shown}");
    }
    let empty = refusal(Some("[secrets]\nrule = []"), &[], &[]);
    assert!(empty.contains("`secrets.rule`"), "{empty}");
}

#[test]
fn flags_win_over_environment_over_file_over_defaults() {
    let file = "[aep]\nsandbox = \"file\"\npage_size = 10\n[log]\nformat = \"json\"\n";
    let environment = [
        ("AEP_FLOW_SANDBOX", "environment"),
        ("AEP_FLOW_PAGE_SIZE", "20"),
    ];
    let loaded = load(Some(file), &environment, &[("aep.sandbox", "flag")]).unwrap();
    assert_eq!(loaded.config.aep.sandbox, "flag");
    assert_eq!(loaded.config.aep.page_size, 20);
    assert_eq!(loaded.config.log.format, LogFormat::Json);
    assert_eq!(loaded.config.ensure.looks, 3);
    assert_eq!(loaded.origin("aep.sandbox"), Origin::Flag);
    assert_eq!(
        loaded.origin("aep.page_size"),
        Origin::Environment("AEP_FLOW_PAGE_SIZE".to_owned())
    );
    assert!(matches!(loaded.origin("log.format"), Origin::File(_)));
    assert_eq!(loaded.origin("ensure.looks"), Origin::Default);
}

#[test]
fn the_file_is_looked_for_in_order() {
    let base = tempfile::tempdir().unwrap();
    let here = base.path().join("here");
    let home = base.path().join("home");
    std::fs::create_dir_all(home.join("aep-flow")).unwrap();
    std::fs::create_dir_all(&here).unwrap();
    let put = |path: &Path, sandbox: &str| {
        std::fs::write(path, format!("[aep]\nsandbox = \"{sandbox}\"\n")).unwrap();
    };
    let home_text = home.display().to_string();
    let environment = [("XDG_CONFIG_HOME", home_text.as_str())];
    let sandbox = |sources: &Sources| Config::load(sources).unwrap().config.aep.sandbox;

    let mut sources = sources(&here, &environment, &[]);
    assert_eq!(sandbox(&sources), "prod");
    put(&home.join("aep-flow/config.toml"), "home");
    assert_eq!(sandbox(&sources), "home");
    put(&here.join("aep-flow.toml"), "here");
    assert_eq!(sandbox(&sources), "here");
    put(&here.join("named.toml"), "named");
    sources.environment = Environment::from_iter([("AEP_FLOW_CONFIG", "named.toml")]);
    assert_eq!(sandbox(&sources), "named");
    put(&here.join("flag.toml"), "flag");
    sources.config_file = Some("flag.toml".into());
    assert_eq!(sandbox(&sources), "flag");
    sources.config_file = Some("gone.toml".into());
    assert!(matches!(
        Config::load(&sources),
        Err(ConfigError::FileUnreadable { .. })
    ));
}

#[test]
fn a_slip_in_the_file_is_named() {
    let cases = [
        (
            "[aep]\nsandbx = \"dev\"",
            &["`aep.sandbx`", "aep-flow.toml", "mean `aep.sandbox`"][..],
        ),
        ("sandbox = \"dev\"", &["`sandbox`", "mean `aep.sandbox`"]),
        (
            "[worker]\nsandbox = \"dev\"",
            &["`worker.sandbox`", "mean `aep.sandbox`"],
        ),
        ("[wrker]", &["`wrker`"]),
        (
            "[aep]\nsandbox = 3",
            &["`aep.sandbox`", "aep-flow.toml", "`3`"],
        ),
        ("[aep]\nsandbox = dev", &["not TOML at line 2"]),
        ("[aep]\nconnect_timeout = 30", &["`30`", "with a unit"]),
        ("[aep]\nconnect_timeout = \"0s\"", &["greater than zero"]),
        ("[aep]\npage_size = 0", &["`aep.page_size`", "at least 1"]),
        ("[aep]\npage_size = -1", &["whole number"]),
        ("[aep]\nplatform_url = \"platform\"", &["a URL"]),
        ("[aep]\nallow_insecure = \"true\"", &["true or false"]),
        (
            "[worker]\nmax_concurrent_workflow_tasks = 1",
            &["at least 2"],
        ),
    ];
    for (file, expected) in cases {
        let shown = refusal(Some(file), &[], &[]);
        for part in expected {
            assert!(shown.contains(part), "{file}: {part} in {shown}");
        }
    }
}

#[test]
fn a_secret_in_the_file_is_a_reference() {
    let secret = |file: &str, environment: &[(&str, &str)]| {
        let loaded = load(Some(file), environment, &[]).unwrap();
        let secret = loaded.config.aep.client_secret.clone().unwrap();
        assert!(!format!("{:?}", loaded.config).contains(secret.expose_secret()));
        secret.expose_secret().to_owned()
    };
    let by_file = "[aep]\nclient_secret = { file = \"secret\" }";
    let by_env = "[aep]\nclient_secret = { env = \"MINE\" }";
    assert_eq!(secret(by_file, &[]), "from-a-file");
    assert_eq!(secret(by_env, &[("MINE", "mine")]), "mine");
    // The environment wins, and then the reference need not lead anywhere.
    assert_eq!(
        secret(by_env, &[("AEP_FLOW_CLIENT_SECRET", "direct")]),
        "direct"
    );

    for (file, expected) in [
        ("[aep]\nclient_secret = \"hidden\"", "is a literal secret"),
        (
            "[aep]\nclient_secret = { env = \"GONE\" }",
            "`GONE` is not set",
        ),
        (
            "[aep]\nclient_secret = { file = \"gone\" }",
            "can't be read",
        ),
        (
            "[aep]\nclient_secret = { value = \"hidden\" }",
            "the key `value`",
        ),
        ("[aep]\nclient_secret = { env = 3 }", "the key `env`"),
        ("[aep]\nclient_secret = \"hidden", "not TOML at line 2"),
        (
            "[ensure]\nfingerprint_key = \"hidden\"",
            "AEP_FLOW_ENSURE_FINGERPRINT_KEY",
        ),
    ] {
        let shown = refusal(Some(file), &[], &[]);
        assert!(shown.contains(expected), "{file}: {shown}");
    }
    let shown = refusal(None, &[], &[("aep.client_secret", "hidden")]);
    assert!(shown.contains("literal secret"), "{shown}");
}

#[test]
fn a_secret_may_be_in_a_file_that_the_environment_names() {
    let loaded = load(None, &[("AEP_FLOW_CLIENT_SECRET_FILE", "secret")], &[]).unwrap();
    let secret = loaded.config.aep.client_secret.unwrap();
    assert_eq!(secret.expose_secret(), "from-a-file");
    assert_eq!(loaded.warnings, Vec::<String>::new());
    let shown = refusal(None, &[("AEP_FLOW_CLIENT_SECRET_FILE", "gone")], &[]);
    assert!(shown.contains("AEP_FLOW_CLIENT_SECRET_FILE"), "{shown}");
}

#[test]
fn jwt_credentials_are_refused_with_what_to_use() {
    for key in ["private_key", "jwt", "technical_account_id", "metascopes"] {
        let shown = refusal(Some(&format!("[aep]\n{key} = \"hidden\"")), &[], &[]);
        assert!(shown.contains("OAuth server-to-server"), "{shown}");
        let name = format!("AEP_FLOW_{}", key.to_uppercase());
        let shown = refusal(None, &[(&name, "hidden")], &[]);
        assert!(shown.contains("OAuth server-to-server"), "{shown}");
    }
}

#[test]
fn an_unknown_variable_is_a_warning() {
    let environment = [
        ("AEP_FLOW_SANBOX", "dev"),
        ("AEP_FLOW_PORT", "tcp://10.0.0.1:80"),
        ("AEP_FLOW_CACHE", "/var/cache/aep-flow"),
    ];
    let warnings = load(None, &environment, &[]).unwrap().warnings;
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(
        warnings[1].contains("did you mean `AEP_FLOW_SANDBOX`"),
        "{warnings:?}"
    );
}

#[test]
fn an_empty_variable_is_none() {
    let loaded = load(
        None,
        &[("AEP_FLOW_SANDBOX", ""), ("AEP_FLOW_PAGE_SIZE", "")],
        &[],
    )
    .unwrap();
    assert_eq!(loaded.config.aep.sandbox, "prod");
}

#[test]
fn rust_log_is_taken_where_nothing_else_is_said() {
    let filter =
        |environment: &[(&str, &str)]| load(None, environment, &[]).unwrap().config.log.filter;
    assert_eq!(filter(&[("RUST_LOG", "debug")]), "debug");
    assert_eq!(
        filter(&[("RUST_LOG", "debug"), ("AEP_FLOW_LOG_FILTER", "warn")]),
        "warn"
    );
}

#[test]
fn times_lists_and_paths_are_read() {
    let file = "[aep]\ntotal_timeout = \"1m 30s\"\nscopes = [\"a\", \"b\"]\n\
                ca_certificate = \"ca.pem\"\n[secrets]\nfolder = \"/run/secrets\"\n";
    let loaded = load(
        Some(file),
        &[("AEP_FLOW_SECRETS_ENV_ALLOW", "OSC_*, X")],
        &[],
    )
    .unwrap();
    let config = loaded.config;
    assert_eq!(config.aep.total_timeout, Duration::from_secs(90));
    assert_eq!(config.aep.scopes, ["a", "b"]);
    assert_eq!(config.secrets.env_allow, ["OSC_*", "X"]);
    let file = loaded.file.unwrap();
    assert_eq!(
        config.aep.ca_certificate.unwrap(),
        file.parent().unwrap().join("ca.pem")
    );
    assert_eq!(config.secrets.folder.unwrap(), Path::new("/run/secrets"));
}

#[test]
fn secrets_are_shown_as_stars() {
    let environment = [
        ("AEP_FLOW_CLIENT_SECRET", "hidden"),
        ("AEP_FLOW_CLIENT_ID", "id"),
    ];
    let shown = load(None, &environment, &[]).unwrap().config.shown();
    let value = |key: &str| {
        let found = shown.iter().find(|shown| shown.key == key);
        found.map(|shown| shown.value.clone()).unwrap()
    };
    assert_eq!(value("aep.client_secret"), "***");
    assert_eq!(value("aep.client_id"), "id");
    assert_eq!(value("ensure.fingerprint_key"), "");
    assert!(!format!("{shown:?}").contains("hidden"));
}
