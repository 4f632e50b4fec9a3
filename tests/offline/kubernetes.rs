//! `deploy/kubernetes`: no more than the worker needs, nothing that it does not know, and what
//! Kubernetes' own schema takes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use aep_flow::config::{Config, Sources};
use serde_json::{Value, json};

/// The schemas of Kubernetes, and what holds a manifest against them.
const VALIDATOR: &str = "kubernetes-validate==1.37.0";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/kubernetes")
}

/// The resources in a file.
fn read(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder().join(name)).unwrap();
    text.split("\n---\n")
        .map(|document| serde_saphyr::from_str(document).unwrap())
        .collect()
}

fn the(name: &str) -> Value {
    read(name).remove(0)
}

/// The configuration file of the map, read with a secret in place.
fn configured() -> Config {
    let map = the("configmap.yaml");
    let secrets = tempfile::tempdir().unwrap();
    std::fs::write(secrets.path().join("client-secret"), "s").unwrap();
    let text = map["data"]["aep-flow.toml"].as_str().unwrap();
    let text = text.replace("/run/secrets/aep", secrets.path().to_str().unwrap());
    let file = secrets.path().join("aep-flow.toml");
    std::fs::write(&file, text).unwrap();
    let sources = Sources {
        config_file: Some(file),
        ..Sources::default()
    };
    Config::load(&sources).unwrap().config
}

#[test]
fn the_pod_may_do_nothing_that_a_worker_need_not() {
    let deployment = the("deployment.yaml");
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"], json!(false));
    assert_eq!(pod["enableServiceLinks"], json!(false));
    for open in ["hostNetwork", "hostPID", "hostIPC"] {
        assert!(pod[open].is_null(), "{open}");
    }
    let security = &pod["securityContext"];
    assert_eq!(security["runAsNonRoot"], json!(true));
    assert_eq!(
        security["seccompProfile"],
        json!({"type": "RuntimeDefault"})
    );
    // The user of the image.
    let image = include_str!("../../Dockerfile");
    let user = format!("USER {0}:{0}", security["runAsUser"]);
    assert!(image.contains(&user), "{user}");
    assert_eq!(security["fsGroup"], security["runAsGroup"]);

    let containers = pod["containers"].as_array().unwrap();
    assert_eq!(containers.len(), 1);
    assert!(pod["initContainers"].is_null());
    let worker = &containers[0];
    assert_eq!(
        worker["securityContext"],
        json!({"allowPrivilegeEscalation": false, "privileged": false,
               "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}})
    );
    assert!(worker["resources"]["limits"]["memory"].is_string());
    for mount in worker["volumeMounts"].as_array().unwrap() {
        assert_eq!(mount["readOnly"], json!(true), "{mount}");
    }
    for volume in pod["volumes"].as_array().unwrap() {
        let kinds: Vec<_> = volume.as_object().unwrap().keys().collect();
        assert!(
            kinds
                .iter()
                .all(|kind| ["name", "configMap", "secret"].contains(&kind.as_str())),
            "{volume}"
        );
        if !volume["secret"].is_null() {
            assert_eq!(volume["secret"]["defaultMode"], json!(0o440), "{volume}");
        }
    }
}

#[test]
fn what_it_is_told_are_settings_and_no_secret_is_in_the_environment() {
    let deployment = the("deployment.yaml");
    let worker = &deployment["spec"]["template"]["spec"]["containers"][0];
    // Those of the file itself, and Temporal's own.
    let mut known = vec!["AEP_FLOW_CONFIG", "TEMPORAL_CONFIG_FILE"];
    let settings = Config::default().shown();
    known.extend(settings.iter().map(|setting| setting.env));
    for variable in worker["env"].as_array().unwrap() {
        let name = variable["name"].as_str().unwrap();
        assert!(known.contains(&name), "{name} is no setting");
        assert!(variable["value"].is_string(), "{name} comes from elsewhere");
        assert!(
            !name.contains("SECRET") && !name.contains("PASSWORD"),
            "{name}"
        );
    }
    assert!(worker["envFrom"].is_null());
    let mounts = worker["volumeMounts"].as_array().unwrap();
    let is_mounted = |path: &str| {
        let below = |mount: &Value| {
            let at = mount["mountPath"].as_str().unwrap();
            Path::new(path).starts_with(at)
        };
        mounts.iter().any(below)
    };
    let config = configured();
    assert!(is_mounted(config.secrets.folder.unwrap().to_str().unwrap()));
    let text = the("configmap.yaml").to_string();
    assert!(
        text.contains("/run/secrets/aep/client-secret")
            && is_mounted("/run/secrets/aep/client-secret")
    );
    for secret in read("example/secrets.yaml") {
        for (name, value) in secret["stringData"].as_object().unwrap() {
            assert!(value.as_str().unwrap().contains("REPLACE-ME"), "{name}");
        }
    }
}

#[test]
fn ports_probes_and_the_time_to_stop_fit_the_configuration() {
    let config = configured();
    let deployment = the("deployment.yaml");
    let pod = &deployment["spec"]["template"]["spec"];
    let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
    let needed = config.worker.shutdown_grace + Duration::from_secs(10);
    assert!(Duration::from_secs(grace) >= needed, "{grace} s");
    let worker = &pod["containers"][0];
    let ports = worker["ports"].as_array().unwrap();
    let port = |name: &str| {
        let found = ports.iter().find(|port| port["name"] == name).unwrap();
        found["containerPort"].as_u64().unwrap()
    };
    let shown = Config::shown(&config);
    let listens = |key: &str| {
        let setting = shown.iter().find(|setting| setting.key == key).unwrap();
        setting
            .value
            .rsplit(':')
            .next()
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    assert_eq!(port("health"), listens("health.listen"));
    assert_eq!(port("metrics"), listens("metrics.listen"));
    for (probe, path) in [
        ("startupProbe", "/healthz"),
        ("livenessProbe", "/healthz"),
        ("readinessProbe", "/readyz"),
    ] {
        let asked = &worker[probe]["httpGet"];
        assert_eq!(
            (&asked["path"], &asked["port"]),
            (&json!(path), &json!("health"))
        );
    }
}

/// A worker that reaches its limit is killed, so the alert must fire before.
#[test]
fn the_alert_about_memory_fires_before_the_limit() {
    let deployment = the("deployment.yaml");
    let worker = &deployment["spec"]["template"]["spec"]["containers"][0];
    let limit = worker["resources"]["limits"]["memory"].as_str().unwrap();
    let limit: u64 = limit.strip_suffix("Mi").unwrap().parse().unwrap();
    let rules = include_str!("../../deploy/prometheus/rules/aep-flow.yml");
    let rules: Value = serde_saphyr::from_str(rules).unwrap();
    let groups = rules["groups"].as_array().unwrap();
    let mut alerts = groups
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap());
    let alert = alerts
        .find(|rule| rule["alert"] == "AepFlowMemory")
        .unwrap();
    let expr = alert["expr"].as_str().unwrap();
    let (_, threshold) = expr.split_once(" > ").unwrap();
    let threshold = threshold.strip_suffix(" * 1024 * 1024").unwrap();
    assert_eq!(threshold.parse::<u64>().unwrap(), limit * 3 / 4, "{expr}");
}

#[test]
fn it_may_talk_to_adobe_temporal_and_names_alone() {
    let policy = the("networkpolicy.yaml");
    assert_eq!(policy["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
    let labels = &the("deployment.yaml")["spec"]["selector"];
    assert_eq!(&policy["spec"]["podSelector"], labels);
    let mut ports = Vec::new();
    for rule in policy["spec"]["egress"].as_array().unwrap() {
        assert!(!rule["to"].as_array().unwrap().is_empty(), "{rule}");
        for port in rule["ports"].as_array().unwrap() {
            ports.push(port["port"].as_u64().unwrap());
        }
        for to in rule["to"].as_array().unwrap() {
            if let Some(except) = to["ipBlock"]["except"].as_array() {
                // The metadata service of a cloud gives credentials away.
                assert!(except.contains(&json!("169.254.0.0/16")));
            } else {
                assert!(to["ipBlock"].is_null(), "{to}");
            }
        }
    }
    assert_eq!(ports, [53, 53, 7233, 443]);
}

/// Needs Python and its packages; says so where they can't be had.
#[test]
fn the_schema_of_kubernetes_takes_every_manifest() {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kubernetes-validate");
    if !place.join("kubernetes_validate").is_dir() {
        let got = Command::new("python3")
            .args(["-m", "pip", "install", "--quiet", "--target"])
            .arg(&place)
            .arg(VALIDATOR)
            .status();
        if !got.is_ok_and(|status| status.success()) {
            eprintln!("left out: no Python with pip to get {VALIDATOR} with");
            return;
        }
    }
    let validate = |paths: &[PathBuf]| {
        Command::new("python3")
            .args(["-m", "kubernetes_validate", "--strict", "--quiet"])
            .args(paths)
            .env("PYTHONPATH", &place)
            .output()
            .unwrap()
    };
    let mut manifests = Vec::new();
    for folder in [folder(), folder().join("example")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            manifests.extend(path.extension().is_some().then_some(path));
        }
    }
    assert_eq!(manifests.len(), 4);
    let output = validate(&manifests);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    // It does look: a misspelt field is refused.
    let scratch = tempfile::tempdir().unwrap();
    let wrong = scratch.path().join("deployment.yaml");
    let text = std::fs::read_to_string(folder().join("deployment.yaml")).unwrap();
    std::fs::write(&wrong, text.replace("runAsNonRoot", "runAsNonroot")).unwrap();
    assert!(!validate(&[wrong]).status.success());
}
