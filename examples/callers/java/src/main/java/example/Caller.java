package example;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.temporal.activity.ActivityOptions;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowFailedException;
import io.temporal.client.WorkflowOptions;
import io.temporal.client.WorkflowStub;
import io.temporal.envconfig.ClientConfigProfile;
import io.temporal.failure.ActivityFailure;
import io.temporal.failure.ApplicationFailure;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.temporal.worker.WorkerFactory;
import io.temporal.workflow.Workflow;
import io.temporal.workflow.WorkflowInterface;
import io.temporal.workflow.WorkflowMethod;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Calls aep-flow from Java: its workflow from a program, its activity from a workflow. */
public class Caller {
  static final Map<String, Object> CONNECTION =
      Map.of(
          "sandbox", "prod",
          "name", "Oracle Service Cloud, EMEA",
          "host", "acme.custhelp.com",
          "username", "svc_aep",
          "password", Map.of("env", "OSC_PASSWORD"));
  static final List<Map<String, Object>> TABLES =
      List.of(
          Map.of("table", "Contacts", "columns", List.of("id", "emails.address", "updatedTime")));

  // [snippet]
  static Map<?, ?> ingest(WorkflowClient client, Map<String, Object> spec) {
    WorkflowOptions options =
        WorkflowOptions.newBuilder()
            .setWorkflowId("ingest/prod/Oracle Service Cloud, EMEA")
            .setTaskQueue("aep-flow")
            .build();
    WorkflowStub workflow = client.newUntypedWorkflowStub("IngestOracleServiceCloud", options);
    workflow.start(spec);
    try {
      return workflow.getResult(Map.class);
    } catch (WorkflowFailedException e) {
      if (e.getCause() instanceof ApplicationFailure failure) {
        return Map.of("type", failure.getType());
      }
      throw e;
    }
  }

  @WorkflowInterface
  public interface Connect {
    @WorkflowMethod
    Map<?, ?> connect(Map<String, Object> connection);
  }

  public static class ConnectWorkflow implements Connect {
    @Override
    public Map<?, ?> connect(Map<String, Object> connection) {
      ActivityOptions options =
          ActivityOptions.newBuilder()
              .setTaskQueue("aep-flow")
              .setStartToCloseTimeout(Duration.ofMinutes(3))
              .build();
      try {
        return Workflow.newUntypedActivityStub(options)
            .execute("CreateOracleServiceCloudBaseConnection", Map.class, connection);
      } catch (ActivityFailure e) {
        if (e.getCause() instanceof ApplicationFailure failure) {
          return Map.of("type", failure.getType());
        }
        throw e;
      }
    }
  }
  // [/snippet]

  public static void main(String[] args) throws Exception {
    ClientConfigProfile profile = ClientConfigProfile.load();
    WorkflowServiceStubs service =
        WorkflowServiceStubs.newServiceStubs(profile.toWorkflowServiceStubsOptions());
    WorkflowClient client =
        WorkflowClient.newInstance(service, profile.toWorkflowClientOptions());
    WorkerFactory workers = WorkerFactory.newInstance(client);
    workers
        .newWorker("java-team")
        .registerWorkflowImplementationTypes(ConnectWorkflow.class);
    workers.start();

    Map<String, Object> nowhere = new HashMap<>(CONNECTION);
    nowhere.put("host", "");
    Map<String, Object> answer =
        Map.of(
            "ingest", ingest(client, Map.of("connection", CONNECTION, "tables", TABLES)),
            "activity", connect(client, CONNECTION),
            "failure",
                Map.of(
                    "ingest", ingest(client, Map.of("connection", nowhere, "tables", TABLES)),
                    "activity", connect(client, nowhere)));
    System.out.println(new ObjectMapper().writeValueAsString(answer));

    workers.shutdown();
    service.shutdown();
  }

  static Map<?, ?> connect(WorkflowClient client, Map<String, Object> connection) {
    WorkflowOptions options =
        WorkflowOptions.newBuilder()
            .setWorkflowId("connect-from-java")
            .setTaskQueue("java-team")
            .build();
    return client.newWorkflowStub(Connect.class, options).connect(connection);
  }
}
