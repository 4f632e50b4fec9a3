// Calls aep-flow from TypeScript: its workflow from a program, its activity from a workflow.
import { ApplicationFailure, Client, Connection, WorkflowFailedError } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, Worker } from '@temporalio/worker';
import { connect } from './workflows';

type Json = Record<string, unknown>;

const connection = {
  sandbox: 'prod',
  name: 'Oracle Service Cloud, EMEA',
  host: 'acme.custhelp.com',
  username: 'svc_aep',
  password: { env: 'OSC_PASSWORD' },
};
const tables = [{ table: 'Contacts', columns: ['id', 'emails.address', 'updatedTime'] }];

// [snippet]
async function ingest(client: Client, spec: Json): Promise<Json> {
  try {
    return await client.workflow.execute<(spec: Json) => Promise<Json>>('IngestOracleServiceCloud', {
      args: [spec],
      workflowId: `ingest/prod/${connection.name}`,
      taskQueue: 'aep-flow',
    });
  } catch (error) {
    if (error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure) {
      return { type: error.cause.type };
    }
    throw error;
  }
}
// [/snippet]

async function main() {
  const { connectionOptions, namespace } = loadClientConnectConfig();
  const clientConnection = await Connection.connect(connectionOptions);
  const workerConnection = await NativeConnection.connect(connectionOptions);
  const client = new Client({ connection: clientConnection, namespace });
  const worker = await Worker.create({
    connection: workerConnection,
    namespace,
    taskQueue: 'typescript-team',
    workflowsPath: require.resolve('./workflows'),
  });
  const nowhere = { ...connection, host: '' };
  const connected = (connection: Json) =>
    client.workflow.execute(connect, {
      args: [connection],
      workflowId: 'connect-from-typescript',
      taskQueue: 'typescript-team',
    });

  const answer = await worker.runUntil(async () => ({
    ingest: await ingest(client, { connection, tables }),
    activity: await connected(connection),
    failure: {
      ingest: await ingest(client, { connection: nowhere, tables }),
      activity: await connected(nowhere),
    },
  }));
  console.log(JSON.stringify(answer));
  await workerConnection.close();
  await clientConnection.close();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
