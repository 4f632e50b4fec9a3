"""A traced caller: its program starts its workflow, which starts an ingestion as a child.

Prints the id of its trace. Where spans go, and how the server is reached, the usual variables say.
"""

import asyncio
import json
import sys
import uuid
from typing import Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from temporalio import workflow
from temporalio.client import Client
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.envconfig import ClientConfig
from temporalio.worker import UnsandboxedWorkflowRunner, Worker


@workflow.defn
class Nightly:
    @workflow.run
    async def run(self, spec: dict[str, Any]) -> dict[str, Any]:
        return await workflow.execute_child_workflow(
            "IngestOracleServiceCloud",
            spec,
            id=f"{workflow.info().workflow_id}-ingest",
            task_queue="aep-flow",
        )


async def main() -> None:
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    config = ClientConfig.load_client_connect_config()
    client = await Client.connect(**config, interceptors=[TracingInterceptor()])
    queue = f"nightly-{uuid.uuid4()}"
    worker = Worker(
        client,
        task_queue=queue,
        workflows=[Nightly],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    async with worker:
        with trace.get_tracer("nightly").start_as_current_span("nightly job") as span:
            await client.execute_workflow(
                Nightly.run, json.load(sys.stdin), id=queue, task_queue=queue
            )
            trace_id = trace.format_trace_id(span.get_span_context().trace_id)
    provider.shutdown()
    print(json.dumps({"traceId": trace_id}))


asyncio.run(main())
