"""Starts an ingestion with the codec, calls an activity of ours, and prints what came back."""

import asyncio
import json
import os
import sys
from datetime import timedelta
from typing import Any

from codec import data_converter
from temporalio import workflow
from temporalio.client import Client, WorkflowFailureError
from temporalio.envconfig import ClientConfig
from temporalio.worker import UnsandboxedWorkflowRunner, Worker


@workflow.defn
class Connect:
    @workflow.run
    async def run(self, connection: dict[str, Any]) -> dict[str, Any]:
        return await workflow.execute_activity(
            "CreateOracleServiceCloudBaseConnection",
            connection,
            task_queue="aep-flow",
            start_to_close_timeout=timedelta(minutes=3),
        )


async def main() -> None:
    config = ClientConfig.load_client_connect_config()
    client = await Client.connect(**config, data_converter=data_converter())
    spec = json.load(sys.stdin)

    async def ingest(name: str, spec: dict[str, Any]) -> Any:
        try:
            handle = await client.start_workflow(
                "IngestOracleServiceCloud",
                spec,
                id=name,
                task_queue="aep-flow",
                static_summary="a summary of acme.custhelp.com",
                memo={"wanted by": "acme.custhelp.com"},
            )
            result = await handle.result()
            return {"result": result, "status": await handle.query("status")}
        except WorkflowFailureError as error:
            cause = error.cause
            return {"type": getattr(cause, "type", ""), "message": str(cause)}

    bad = {**spec, "connection": {**spec["connection"], "host": "not a host"}}
    runner = UnsandboxedWorkflowRunner()
    async with Worker(
        client, task_queue="python", workflows=[Connect], workflow_runner=runner
    ):
        answer = {
            "good": await ingest("from-python", spec),
            "bad": await ingest("from-python-bad", bad),
            "activity": await client.execute_workflow(
                Connect.run, spec["connection"], id="connect", task_queue="python"
            ),
        }
    print(json.dumps(answer))


asyncio.run(main())
sys.stdout.flush()
# As in examples/callers/python/caller.py: the SDK's threads outlive the loop for a moment.
os._exit(0)
