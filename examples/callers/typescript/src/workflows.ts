// [snippet]
import { ActivityFailure, ApplicationFailure, proxyActivities } from '@temporalio/workflow';

type Json = Record<string, unknown>;

const aepFlow = proxyActivities<{
  CreateOracleServiceCloudBaseConnection(connection: Json): Promise<Json>;
}>({ taskQueue: 'aep-flow', startToCloseTimeout: '3 minutes' });

export async function connect(connection: Json): Promise<Json> {
  try {
    return await aepFlow.CreateOracleServiceCloudBaseConnection(connection);
  } catch (error) {
    if (error instanceof ActivityFailure && error.cause instanceof ApplicationFailure) {
      return { type: error.cause.type };
    }
    throw error;
  }
}
// [/snippet]
