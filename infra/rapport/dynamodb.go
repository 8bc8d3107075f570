package main

import (
	"context"
	"net/url"
	"path/filepath"
	"time"

	"rapport/infra/cloud"
	"rapport/infra/engines"
	"rapport/shared/aws/dynamo"
	"rapport/shared/fault"
	"rapport/shared/table"
)

// engine is a DynamoDB engine that may keep the table in place of the data folder.
type engine struct {
	Endpoint  string `name:"dynamodb" env:"DYNAMODB_ENDPOINT" placeholder:"URL" help:"A DynamoDB engine that keeps the table, such as http://127.0.0.1:8000; without it the data folder does."`
	TableName string `name:"dynamodb-table" env:"TABLE_NAME" default:"rapport" help:"Name of its table there; made when absent (${default})."`
}

// tabler opens the table on the engine, nil when there is none. The table is as
// the template describes it. DynamoDB itself is not meant: there a deployment
// makes the table, and calls are signed.
//
// Errors: kind Invalid (code bad_endpoint) for what is no URL, Unavailable
// (code table_not_created) when nobody answers.
func (e engine) tabler(template string) (cloud.Tabler, error) {
	if e.Endpoint == "" {
		return nil, nil
	}
	at, err := url.Parse(e.Endpoint)
	if err != nil || at.Host == "" || (at.Scheme != "http" && at.Scheme != "https") {
		return nil, fault.New(fault.Invalid, "bad_endpoint",
			"DYNAMODB_ENDPOINT must be the URL of a DynamoDB engine, such as http://127.0.0.1:8000").In("DYNAMODB_ENDPOINT")
	}
	schema, err := engines.ReadSchema(filepath.Dir(template))
	if err != nil {
		return nil, err
	}
	client := dynamo.NewEngineClient(engines.Region, e.Endpoint)
	return func(now func() time.Time) (table.Table, error) {
		if err := schema.Create(context.Background(), e.Endpoint, e.TableName); err != nil {
			return nil, err
		}
		return dynamo.New(client, e.TableName, now), nil
	}, nil
}
