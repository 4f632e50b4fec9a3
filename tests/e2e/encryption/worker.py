"""A worker in Python with the codec, until its stdin ends."""

import asyncio
import os
import sys
from datetime import timedelta
from typing import Any

from codec import data_converter
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker


@activity.defn
async def reverse(text: str) -> str:
    return text[::-1]


@workflow.defn
class Reverse:
    def __init__(self) -> None:
        self.more: list[str] = []

    @workflow.run
    async def run(self, wanted: dict[str, Any]) -> dict[str, Any]:
        if wanted.get("fails"):
            raise ApplicationError("no: " + wanted["text"], wanted["text"], type="Refused")
        await workflow.wait_condition(lambda: self.more)
        text = await workflow.execute_activity(
            reverse,
            wanted["text"] + self.more[0],
            start_to_close_timeout=timedelta(minutes=1),
            summary="reverses acme.custhelp.com",
        )
        return {"text": text}

    @workflow.signal
    def add(self, text: str) -> None:
        self.more.append(text)

    @workflow.update
    def ask(self, text: str) -> str:
        return "asked: " + text

    @workflow.query
    def told(self) -> list[str]:
        return self.more


async def main() -> None:
    config = ClientConfig.load_client_connect_config()
    client = await Client.connect(**config, data_converter=data_converter())
    async with Worker(
        client,
        task_queue="python",
        workflows=[Reverse],
        activities=[reverse],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        await asyncio.to_thread(sys.stdin.read)


asyncio.run(main())
os._exit(0)
