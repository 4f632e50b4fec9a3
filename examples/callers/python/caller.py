"""Calls aep-flow from Python: its workflow from a program, its activity from a workflow."""

import asyncio
import json
import os
import sys
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.client import Client, WorkflowFailureError
from temporalio.envconfig import ClientConfig
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.worker import Worker

CONNECTION = {
    "sandbox": "prod",
    "name": "Oracle Service Cloud, EMEA",
    "host": "acme.custhelp.com",
    "username": "svc_aep",
    "password": {"env": "OSC_PASSWORD"},
}
TABLES = [{"table": "Contacts", "columns": ["id", "emails.address", "updatedTime"]}]


# [snippet]
async def ingest(client: Client, spec: dict[str, Any]) -> dict[str, Any]:
    try:
        return await client.execute_workflow(
            "IngestOracleServiceCloud",
            spec,
            id=f"ingest/prod/{spec['connection']['name']}",
            task_queue="aep-flow",
        )
    except WorkflowFailureError as error:
        if isinstance(error.cause, ApplicationError):
            return {"type": error.cause.type}
        raise


@workflow.defn
class Connect:
    @workflow.run
    async def run(self, connection: dict[str, Any]) -> dict[str, Any]:
        try:
            return await workflow.execute_activity(
                "CreateOracleServiceCloudBaseConnection",
                connection,
                task_queue="aep-flow",
                start_to_close_timeout=timedelta(minutes=3),
            )
        except ActivityError as error:
            if isinstance(error.cause, ApplicationError):
                return {"type": error.cause.type}
            raise
# [/snippet]


async def main() -> None:
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", "localhost:7233")
    client = await Client.connect(**config)

    async def connect(connection: dict[str, Any]) -> dict[str, Any]:
        return await client.execute_workflow(
            Connect.run, connection, id="connect-from-python", task_queue="python-team"
        )

    nowhere = {**CONNECTION, "host": ""}
    async with Worker(client, task_queue="python-team", workflows=[Connect]):
        answer = {
            "ingest": await ingest(client, {"connection": CONNECTION, "tables": TABLES}),
            "activity": await connect(CONNECTION),
            "failure": {
                "ingest": await ingest(client, {"connection": nowhere, "tables": TABLES}),
                "activity": await connect(nowhere),
            },
        }
    print(json.dumps(answer))


if __name__ == "__main__":
    asyncio.run(main())
    # The SDK's threads outlive the loop for a moment, and an interpreter that ends under them
    # may abort: seen after every tenth to second run of a worker, SDK 1.18 to 1.35, CPython 3.11.
    sys.stdout.flush()
    os._exit(0)
