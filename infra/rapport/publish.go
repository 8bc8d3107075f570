package main

import (
	"context"
	"fmt"
	"time"

	"rapport/infra/publish"
	"rapport/shared/aws/boot"
	"rapport/shared/aws/dynamo"
	"rapport/shared/strategy"
)

// publishCommand puts a strategy into the table of a deployment.
type publishCommand struct {
	Dir   string `arg:"" optional:"" default:"infra/strategy" help:"Folder of the strategy's YAML files (${default})."`
	Table string `required:"" env:"TABLE_NAME" help:"Name of the deployed table: the stack's output TableName."`
}

// Help implements kong.HelpProvider.
func (publishCommand) Help() string {
	return `Checks the strategy first, and publishes nothing that has an error. The functions take it up within 30 seconds. Region and credentials come from the environment: AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for a session, AWS_SESSION_TOKEN. A local Rapport publishes by itself whenever a file changes.

Examples:
  rapport publish --table rapport-Table-1ABCDEFGHIJKL
  AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:8000 rapport publish --table rapport`
}

// Run implements the command.
func (c publishCommand) Run(ctx context.Context, t terminal) error {
	document, problems := publish.Load(c.Dir)
	for _, p := range problems {
		if !p.Warning {
			return validateCommand{Dir: c.Dir}.Run(t)
		}
	}
	env := &boot.Env{}
	cfg := env.AWS("DYNAMODB")
	if err := env.Check(); err != nil {
		return err
	}
	if err := strategy.Publish(ctx, dynamo.New(dynamo.NewClient(cfg, ""), c.Table, time.Now), document, time.Now()); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "published version %s to %s\n", document.Version, c.Table)
	return nil
}
