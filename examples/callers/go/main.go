// Command caller calls aep-flow from Go: its workflow from a program, its activity from a workflow.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"maps"
	"os"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

type object = map[string]any

var connection = object{
	"sandbox":  "prod",
	"name":     "Oracle Service Cloud, EMEA",
	"host":     "acme.custhelp.com",
	"username": "svc_aep",
	"password": object{"env": "OSC_PASSWORD"},
}

var tables = []object{
	{"table": "Contacts", "columns": []string{"id", "emails.address", "updatedTime"}},
}

// [snippet]
func ingest(ctx context.Context, c client.Client, spec map[string]any) (map[string]any, error) {
	options := client.StartWorkflowOptions{
		ID:        "ingest/prod/Oracle Service Cloud, EMEA",
		TaskQueue: "aep-flow",
	}
	run, err := c.ExecuteWorkflow(ctx, options, "IngestOracleServiceCloud", spec)
	if err != nil {
		return nil, err
	}
	var result map[string]any
	err = run.Get(ctx, &result)
	return result, err
}

// Connect is a workflow of our own that calls one activity of aep-flow.
func Connect(ctx workflow.Context, connection map[string]any) (map[string]any, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           "aep-flow",
		StartToCloseTimeout: 3 * time.Minute,
	})
	var result map[string]any
	err := workflow.ExecuteActivity(ctx, "CreateOracleServiceCloudBaseConnection", connection).Get(ctx, &result)
	return result, err
}

// failureType is "InvalidInput" or another of aep-flow's failure types.
func failureType(err error) string {
	var failure *temporal.ApplicationError
	if errors.As(err, &failure) {
		return failure.Type()
	}
	return ""
}

// [/snippet]

func main() {
	if err := call(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func call(ctx context.Context) error {
	c, err := client.Dial(envconfig.MustLoadDefaultClientOptions())
	if err != nil {
		return err
	}
	defer c.Close()
	w := worker.New(c, "go-team", worker.Options{})
	w.RegisterWorkflow(Connect)
	if err := w.Start(); err != nil {
		return err
	}
	defer w.Stop()

	ingested, err := ingest(ctx, c, object{"connection": connection, "tables": tables})
	if err != nil {
		return err
	}
	connected, err := connect(ctx, c, connection)
	if err != nil {
		return err
	}

	nowhere := maps.Clone(connection)
	nowhere["host"] = ""
	_, notIngested := ingest(ctx, c, object{"connection": nowhere, "tables": tables})
	_, notConnected := connect(ctx, c, nowhere)

	return json.NewEncoder(os.Stdout).Encode(object{
		"ingest":   ingested,
		"activity": connected,
		"failure": object{
			"ingest":   object{"type": failureType(notIngested)},
			"activity": object{"type": failureType(notConnected)},
		},
	})
}

func connect(ctx context.Context, c client.Client, connection object) (object, error) {
	options := client.StartWorkflowOptions{ID: "connect-from-go", TaskQueue: "go-team"}
	run, err := c.ExecuteWorkflow(ctx, options, Connect, connection)
	if err != nil {
		return nil, err
	}
	var result object
	err = run.Get(ctx, &result)
	return result, err
}
