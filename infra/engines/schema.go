package engines

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"

	"rapport/shared/fault"
)

// Schema is what template.yaml says about the table, in the words of DynamoDB's
// API, so that it is passed on as it stands.
type Schema struct {
	Attributes []map[string]string `yaml:"AttributeDefinitions"`
	Keys       []map[string]string `yaml:"KeySchema"`
	Billing    string              `yaml:"BillingMode"`
	Expiry     struct {
		Attribute string `yaml:"AttributeName"`
		Enabled   bool   `yaml:"Enabled"`
	} `yaml:"TimeToLiveSpecification"`
}

// ReadSchema reads the resource Table of the template in root. It fails with
// kind Invalid, code no_table_schema, when there is none.
func ReadSchema(root string) (*Schema, error) {
	path := filepath.Join(root, "template.yaml")
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, noSchema(path, err)
	}
	var template struct {
		Resources struct {
			Table struct {
				Properties Schema `yaml:"Properties"`
			} `yaml:"Table"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(data, &template); err != nil {
		return nil, noSchema(path, err)
	}
	schema := &template.Resources.Table.Properties
	if len(schema.Keys) == 0 {
		return nil, noSchema(path, errors.New("it has no KeySchema"))
	}
	return schema, nil
}

func noSchema(path string, err error) error {
	return fault.New(fault.Invalid, "no_table_schema", "%s does not describe the resource Table: mend it, or name another repository", path).Because(err)
}

// Create makes a table on the engine at endpoint; one that is there already is
// left alone. It fails with kind Unavailable, code table_not_created. It signs
// nothing: a table of AWS itself is made by a deployment.
func (s *Schema) Create(ctx context.Context, endpoint, table string) error {
	err := call(ctx, endpoint, "CreateTable", map[string]any{
		"TableName": table, "AttributeDefinitions": s.Attributes, "KeySchema": s.Keys, "BillingMode": s.Billing,
	})
	var refused *refusal
	if errors.As(err, &refused) && refused.is("ResourceInUseException") {
		return nil
	}
	if err != nil {
		return fault.New(fault.Unavailable, "table_not_created", "the engine at %s made no table: see that it runs, and try again", endpoint).Because(err)
	}
	return nil
}

// Drop deletes a table and all that is in it. It fails with kind Unavailable,
// code table_not_dropped.
func Drop(ctx context.Context, endpoint, table string) error {
	if err := call(ctx, endpoint, "DeleteTable", map[string]any{"TableName": table}); err != nil {
		return fault.New(fault.Unavailable, "table_not_dropped", "the engine at %s kept its table: delete it there", endpoint).Because(err)
	}
	return nil
}

// refusal is an error as the API words it.
type refusal struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
}

// Error implements error.
func (r *refusal) Error() string { return r.Type + ": " + r.Message }

func (r *refusal) is(code string) bool { return strings.HasSuffix(r.Type, "#"+code) || r.Type == code }

// call makes one call of DynamoDB's API. Engines want to see a signature, whose
// region they use, and do not check it.
func call(ctx context.Context, endpoint, operation string, in any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.0")
	request.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	request.Header.Set("X-Amz-Date", "20260101T000000Z")
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=local/20260101/"+Region+"/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		return nil
	}
	refused := &refusal{}
	if err := json.NewDecoder(response.Body).Decode(refused); err != nil {
		return fmt.Errorf("%s answered %s", operation, response.Status)
	}
	return refused
}
