//! Python at the other end, with a codec in the layout of Temporal's samples.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use aep_flow::codec::KeyRing;
use aep_flow_testkit::callers::{Project, answer};
use aep_flow_testkit::platform::{counts, whole_chain};
use aep_flow_testkit::{World, input, table, within};
use anyhow::Context as _;
use serde_json::{Value, json};
use temporalio_client::errors::WorkflowGetResultError;
use temporalio_client::{
    UntypedSignal, UntypedUpdate, WorkflowExecuteUpdateOptions, WorkflowSignalOptions,
};
use temporalio_common::data_converters::RawValue;
use tokio::process::Command;

use super::keyed::{Keyed, NEW, OLD, json, key_of, payloads, query, result, start};

/// The folder's copy with its packages, and the Python that has them; nothing without Python.
async fn project() -> anyhow::Result<Option<(Project, PathBuf)>> {
    // Both tests would install into one folder.
    static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _one = ONE_AT_A_TIME.lock().await;
    let project = Project::copy_of("tests/e2e/encryption")?;
    let python = project.python().await?;
    Ok(python.map(|python| (project, python)))
}

fn program(project: &Project, python: PathBuf, file: &str, world: &World, keys: &str) -> Command {
    let mut program = project.command(python, &[file]);
    let variables = world.variables();
    program
        .envs(
            variables
                .into_iter()
                .filter(|(name, _)| name.starts_with("TEMPORAL_")),
        )
        .env("KEYS", keys)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    program
}

#[tokio::test]
async fn a_caller_in_python_with_the_codec_is_read_and_reads() -> anyhow::Result<()> {
    let Some((project, python)) = project().await? else {
        return Ok(());
    };
    // Each side writes with a key of its own, and has both.
    let keyed = Keyed::new(&format!("{NEW},{OLD}")).await;
    let worker = keyed.worker();
    let keys = format!("{OLD},{NEW}");
    let caller = program(&project, python, "caller.py", &keyed.world, &keys);
    let mut caller = caller.into_std().spawn()?;
    let mut stdin = caller.stdin.take().context("no stdin")?;
    stdin.write_all(input(&[table("Contacts")]).to_string().as_bytes())?;
    drop(stdin);
    let called = tokio::task::spawn_blocking(move || caller.wait_with_output());
    let called = within("the caller", called).await??;
    let errors = String::from_utf8_lossy(&called.stderr);
    assert!(called.status.success(), "{errors}");
    let answer = answer(&String::from_utf8(called.stdout)?)?;

    assert_eq!(counts(&keyed.world.emulator), whole_chain(1));
    let made = &answer["good"]["result"];
    assert_eq!(made["tables"][0]["table"], "Contacts", "{answer:#}");
    assert_eq!(answer["good"]["status"]["phase"], "done", "{answer:#}");
    // The message came out of `encoded_attributes`.
    assert_eq!(answer["bad"]["type"], "InvalidInput", "{answer:#}");
    let message = answer["bad"]["message"].as_str().unwrap();
    assert!(message.contains("connection.host"), "{message}");
    assert_eq!(answer["activity"]["outcome"], "ADOPTED", "{answer:#}");
    assert_eq!(answer["activity"]["id"], made["baseConnectionId"]);

    let handle = keyed.client.get_workflow_handle("from-python");
    let events = keyed.stranger(&handle).history().await;
    let all = payloads(&events).await;
    let used = |id: &str| {
        let of = all
            .iter()
            .filter(|(_, payload)| key_of(payload).as_deref() == Some(id));
        of.count()
    };
    assert!(
        used("old") > 0 && used("new") > 0,
        "{} {}",
        used("old"),
        used("new")
    );
    // Its summary is encrypted, which the SDK's client alone would choke on.
    let status = keyed.command(&["status", "from-python"], Some(&keys)).await;
    assert_eq!(status.code, 0, "{status:?}");
    keyed.world.end(worker).await;
    Ok(())
}

/// A worker in Python. Ends when dropped.
struct PythonWorker(Child);

impl Drop for PythonWorker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn text(text: &str) -> RawValue {
    RawValue::new(vec![json(&Value::from(text))])
}

#[tokio::test]
async fn a_worker_in_python_with_the_codec_is_called_and_answers() -> anyhow::Result<()> {
    let Some((project, python)) = project().await? else {
        return Ok(());
    };
    let keyed = Keyed::new(&format!("{NEW},{OLD}")).await;
    let keys = format!("{OLD},{NEW}");
    let mut worker = program(&project, python, "worker.py", &keyed.world, &keys);
    worker.stdout(Stdio::null()).stderr(Stdio::inherit());
    let _worker = PythonWorker(worker.into_std().spawn()?);

    let wanted = json(&json!({"text": "acme.custhelp.com"}));
    let handle = start(&keyed.client, "Reverse", "reverse", "python", wanted).await;
    let asked = handle.execute_update(
        UntypedUpdate::new("ask"),
        text("acme.custhelp.com"),
        WorkflowExecuteUpdateOptions::default(),
    );
    let asked = within("the update", asked).await?;
    assert_eq!(asked.payloads[0].data, b"\"asked: acme.custhelp.com\"");
    let signal = UntypedSignal::new("add");
    let options = WorkflowSignalOptions::default();
    handle
        .signal(signal, text("/acme.custhelp.com"), options)
        .await?;
    let reversed = result(&handle).await.unwrap();
    assert_eq!(reversed["text"], "moc.plehtsuc.emca/moc.plehtsuc.emca");
    let told = query(&handle, "told").await;
    assert_eq!(told.data, b"[\"/acme.custhelp.com\"]");

    let wanted = json(&json!({"text": "acme.custhelp.com", "fails": true}));
    let failing = start(&keyed.client, "Reverse", "refused", "python", wanted).await;
    let Err(WorkflowGetResultError::Failed(failed)) = result(&failing).await else {
        panic!("it did not fail");
    };
    let failed = format!("{failed:?}");
    assert!(failed.contains("no: acme.custhelp.com"), "{failed}");

    for (handle, is_good) in [(&handle, true), (&failing, false)] {
        let events = keyed.stranger(handle).history().await;
        let all = payloads(&events).await;
        let clear = all.iter().filter(|(_, payload)| key_of(payload).is_none());
        assert_eq!(clear.count(), 0);
        let ring = KeyRing::parse(&keys)?;
        let mut words = String::new();
        for (_, payload) in all {
            words += &String::from_utf8_lossy(&ring.open(payload)?.data);
        }
        let expected = if is_good { "reverses acme" } else { "no: acme" };
        assert!(words.contains(expected), "{words}");
    }
    Ok(())
}
