//! What the demo shows at its end, for people and for programs.

use std::fmt::{self, Display, Formatter};

use aep_flow_proto::v1::IngestResult;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::Retry;
use super::stage::PASSWORD_FILE;

/// What came of the demo. Printed by `Display`; as JSON its fields are a contract.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Id of the workflow.
    pub workflow_id: String,
    /// Id of its run.
    pub run_id: String,
    /// Its page in the Temporal UI, where the demo started the server.
    pub workflow_url: Option<String>,
    /// Host and port of the Temporal server, where they are known.
    pub temporal_address: Option<String>,
    /// Namespace of the workflow.
    pub namespace: String,
    /// Task queue of the worker.
    pub task_queue: String,
    /// Address of the emulated platform.
    pub platform_url: String,
    /// What the workflow gave.
    pub result: IngestResult,
    /// The steps that needed more than one attempt.
    pub retries: Vec<Retry>,
    /// Whether everything is still up.
    pub keeps_running: bool,
}

/// The page of a workflow run in a Temporal UI.
pub(super) fn workflow_url(ui: &str, namespace: &str, workflow_id: &str, run_id: &str) -> String {
    let part = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    format!(
        "{ui}/namespaces/{}/workflows/{}/{run_id}/history",
        part(namespace),
        part(workflow_id)
    )
}

impl Display for Summary {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.made(formatter)?;
        self.retried(formatter)?;
        self.next(formatter)
    }
}

impl Summary {
    fn made(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "Made:")?;
        writeln!(
            formatter,
            "  base connection      {}",
            self.result.base_connection_id
        )?;
        for table in &self.result.tables {
            writeln!(formatter, "  {}", table.table)?;
            for (what, id) in [
                ("source connection", &table.source_connection_id),
                ("schema", &table.schema_id),
                ("dataset", &table.dataset_id),
                ("target connection", &table.target_connection_id),
                ("mapping set", &table.mapping_set_id),
                ("flow", &table.flow_id),
            ] {
                writeln!(formatter, "    {what:<18} {id}")?;
            }
            if let Some(run) = &table.first_run {
                writeln!(
                    formatter,
                    "    {:<18} {}: {} rows read, {} ingested",
                    "first flow run",
                    run.status,
                    count(run.input_records),
                    count(run.output_records)
                )?;
            }
        }
        for warning in &self.result.warnings {
            writeln!(formatter, "  warning: {warning}")?;
        }
        Ok(())
    }

    fn retried(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "\nRetried:")?;
        if self.retries.is_empty() {
            return writeln!(formatter, "  nothing");
        }
        for retry in &self.retries {
            writeln!(
                formatter,
                "  {} of {}: attempt {} failed as {}: {}",
                retry.step,
                retry.of,
                retry.attempt - 1,
                retry.failure,
                retry.message
            )?;
            let then = match retry.outcome.as_deref() {
                Some("ADOPTED") => {
                    "looked first, found what the attempt before had made, and adopted it"
                }
                Some(_) => "looked, found nothing, and created it",
                None => "went through",
            };
            writeln!(formatter, "    attempt {} {then}", retry.attempt)?;
        }
        Ok(())
    }

    fn next(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if let Some(url) = &self.workflow_url {
            writeln!(formatter, "\nThe workflow in the Temporal UI:\n  {url}")?;
        }
        if !self.keeps_running {
            writeln!(
                formatter,
                "\nAll of it ends now. To look around:\n  aep-flow demo --keep"
            )?;
            return Ok(());
        }
        let address = self.temporal_address.as_deref().unwrap_or("localhost:7233");
        writeln!(formatter, "\nTry next, in another terminal:")?;
        writeln!(formatter, "  curl -s {}/_emulator/state", self.platform_url)?;
        writeln!(
            formatter,
            "  aep-flow status --address {address} --namespace {} '{}'",
            self.namespace, self.workflow_id
        )?;
        writeln!(
            formatter,
            "  python3 -m venv demo && demo/bin/pip install --quiet temporalio && \
             demo/bin/python - <<'END'"
        )?;
        formatter.write_str(&self.python(address))?;
        writeln!(formatter, "END")
    }

    /// A caller in Python, with the one table that the demo left out.
    fn python(&self, address: &str) -> String {
        let literal = |text: &str| serde_json::Value::from(text).to_string();
        format!(
            r#"import asyncio, os
from temporalio.client import Client

async def main():
    client = await Client.connect({address}, namespace={namespace})
    print(await client.execute_workflow(
        "IngestOracleServiceCloud",
        {{"connection": {{"name": "From Python", "host": "demo.custhelp.com", "username": "svc_aep",
                        "password": {{"file": {password}}}}},
         "tables": [{{"table": "Accounts"}}]}},
        id="ingest/prod/From Python", task_queue={task_queue}), flush=True)

asyncio.run(main())
os._exit(0)  # the SDK's threads may trip an interpreter that ends by itself
"#,
            address = literal(address),
            namespace = literal(&self.namespace),
            task_queue = literal(&self.task_queue),
            password = literal(PASSWORD_FILE),
        )
    }
}

/// A count that comes as a floating point number, for it is one in JSON.
fn count(records: Option<f64>) -> String {
    records.map_or_else(|| "?".to_owned(), |records| format!("{records}"))
}

#[cfg(test)]
mod tests {
    use aep_flow_proto::v1::{FlowRun, IngestedTable};

    use super::*;

    fn summary(keeps_running: bool) -> Summary {
        Summary {
            workflow_id: "ingest/prod/OSC, demo".to_owned(),
            run_id: "r".to_owned(),
            workflow_url: Some(workflow_url("http://u", "default", "ingest/prod/a b", "r")),
            temporal_address: Some("127.0.0.1:1".to_owned()),
            namespace: "default".to_owned(),
            task_queue: "aep-flow".to_owned(),
            platform_url: "http://e".to_owned(),
            result: IngestResult {
                base_connection_id: "base".to_owned(),
                tables: vec![IngestedTable {
                    table: "Contacts".to_owned(),
                    flow_id: "f".to_owned(),
                    first_run: Some(FlowRun {
                        status: "success".to_owned(),
                        input_records: Some(50.0),
                        output_records: Some(49.0),
                        ..FlowRun::default()
                    }),
                    ..IngestedTable::default()
                }],
                warnings: vec!["deprecated".to_owned()],
            },
            retries: vec![Retry {
                step: "CreateSourceConnection".to_owned(),
                of: "Contacts".to_owned(),
                attempt: 2,
                failure: "Unavailable".to_owned(),
                message: "no answer".to_owned(),
                outcome: Some("ADOPTED".to_owned()),
            }],
            keeps_running,
        }
    }

    #[test]
    fn it_tells_rows_retries_and_the_link() {
        let text = summary(false).to_string();
        for expected in [
            "base connection      base\n",
            "first flow run     success: 50 rows read, 49 ingested\n",
            "attempt 1 failed as Unavailable: no answer\n    attempt 2 looked first",
            "http://u/namespaces/default/workflows/ingest%2Fprod%2Fa%20b/r/history\n",
            "aep-flow demo --keep",
        ] {
            assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
        }
        assert!(!text.contains("curl"), "{text}");
    }

    #[test]
    fn what_keeps_running_can_be_tried() {
        let text = summary(true).to_string();
        for expected in [
            "curl -s http://e/_emulator/state\n",
            "aep-flow status --address 127.0.0.1:1 --namespace default 'ingest/prod/OSC, demo'\n",
            "Client.connect(\"127.0.0.1:1\", namespace=\"default\")",
            "task_queue=\"aep-flow\"",
            "\"password\": {\"file\": \"osc_password\"}}",
        ] {
            assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
        }
    }
}
