//! Generates `docs/configuration.md` from the declarations, and fails if the page is stale.

use std::fmt::Write as _;

use super::declare::Setting;
use super::raw_value::RawValue;
use super::vars::{Config, SECTIONS, SETTINGS};

const HEAD: &str = "\
<!-- Generated from src/config/vars.rs; change that, then run `UPDATE=1 cargo test --lib config`. -->

# Configuration

Later sources win:

1. the defaults below;
2. the configuration file: the one that `--config FILE` or `AEP_FLOW_CONFIG` names, else
   `aep-flow.toml` in the working folder, else `aep-flow/config.toml` in `$XDG_CONFIG_HOME`
   (`~/.config`);
3. the environment; an empty variable counts as not set;
4. flags: `--set aep.sandbox=dev` for any setting except a secret, and the flags of a command.

`aep-flow config show` prints every setting with its value and its source; `aep-flow check` tests
whether the settings work.

An unknown key in the file is an error that names the key, and so is a value of the wrong type. The
file never contains a secret, only a reference: `{ env = \"NAME\" }`, or `{ file = \"path\" }`, whose
path is relative to the configuration file's folder. In the environment a secret may be the value of
its variable, or the content of a file that the variable with `_FILE` after its name points to
(`AEP_FLOW_CLIENT_SECRET_FILE=/run/secrets/aep`). JWT (service account) credentials, which Adobe has
retired, are refused: use an OAuth server-to-server credential.

```toml
# aep-flow.toml
[aep]
org_id = \"0123456789ABCDEF01234567@AdobeOrg\"
client_id = \"0123456789abcdef0123456789abcdef\"
client_secret = { file = \"/run/secrets/aep-client-secret\" }
sandbox = \"dev\"

[worker]
max_concurrent_activities = 50

[secrets]
folder = \"/run/secrets/sources\"
env_allow = [\"OSC_*\"]
```

[secrets.md](secrets.md) explains what `[secrets]` and `[vault]` let inputs read, and how.

Durations have a unit: `30s`, `2m`, `1h 30m`.

## Temporal

Address, namespace, TLS and API key are not settings of aep-flow. They come from `temporal.toml`
and `TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_PROFILE`, `TEMPORAL_API_KEY`,
`TEMPORAL_TLS_…`, as in every Temporal tool. The flags `--address`, `--namespace`,
`--profile` and `--temporal-config` override both. `TEMPORAL_UI_URL` (or `--ui-url`) is the base of
links to the Temporal UI.

Ingestions can be listed by search attributes once these are registered in the namespace
(`aep-flow check --fix` registers the missing ones; [operating.md](operating.md) explains each):

```sh
temporal operator search-attribute create --namespace default \\
  --name AepSandbox --type Keyword --name AepSource --type Keyword \\
  --name AepPhase --type Keyword --name AepConnectionId --type Keyword \\
  --name AepLastFailure --type Keyword --name AepNeedsDecision --type Bool \\
  --name AepDeprecated --type Bool
```
";

fn page() -> String {
    let defaults = Config::default();
    let mut page = HEAD.to_owned();
    for (section, doc) in SECTIONS {
        let _ = write!(page, "\n## [{section}]\n\n{}\n\n", text(doc));
        page.push_str("| file | environment | default | |\n|---|---|---|---|\n");
        for setting in SETTINGS
            .iter()
            .filter(|setting| setting.section == *section)
        {
            row(&mut page, setting, &defaults);
        }
    }
    page
}

fn row(page: &mut String, setting: &Setting<Config>, defaults: &Config) {
    let field = setting.field;
    let envs = std::iter::once(setting.env).chain(setting.other_envs.iter().copied());
    let envs: Vec<String> = envs.map(|env| format!("`{env}`")).collect();
    let default = match (setting.show)(defaults).as_str() {
        "" => "none".to_owned(),
        value => format!("`{value}`"),
    };
    let mut what = text(setting.doc);
    for (word, worse) in [("Raised", setting.raised), ("Lowered", setting.lowered)] {
        if !worse.is_empty() {
            let _ = write!(what, " {word}: {worse}.");
        }
    }
    let _ = writeln!(
        page,
        "| `{field}` | {} | {default} | {} |",
        envs.join(" or "),
        what.replace('|', "\\|")
    );
}

/// The lines of a doc comment as one paragraph.
fn text(doc: &[&str]) -> String {
    doc.iter()
        .map(|line| line.trim())
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn the_reference_page_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");
    let wanted = page();
    if super::Environment::of_process().get("UPDATE").is_some() {
        std::fs::write(path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/configuration.md is stale; run `UPDATE=1 cargo test --lib config`"
    );
}

#[test]
fn every_number_says_what_gets_worse() {
    let defaults = Config::default();
    for setting in SETTINGS {
        let shown = (setting.show)(&defaults);
        let is_amount = shown.starts_with(|first: char| first.is_ascii_digit());
        assert_eq!(
            is_amount,
            !setting.raised.is_empty() && !setting.lowered.is_empty(),
            "{}",
            setting.key
        );
    }
}

#[test]
fn names_follow_one_rule() {
    for setting in SETTINGS {
        let name = setting.key.strip_prefix("aep.").unwrap_or(setting.key);
        let expected = format!("AEP_FLOW_{}", name.replace('.', "_").to_uppercase());
        assert_eq!(setting.env, expected);
    }
}

#[test]
fn every_default_is_read_back_as_itself() {
    let defaults = Config::default();
    for setting in SETTINGS {
        let shown = (setting.show)(&defaults);
        if shown.is_empty() {
            continue;
        }
        let mut config = Config::default();
        (setting.set)(&mut config, RawValue::Text(&shown)).unwrap();
        assert_eq!((setting.show)(&config), shown, "{}", setting.key);
    }
}
