package dynamo

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// requestTimeout bounds one attempt: DynamoDB answers in milliseconds, and a
// connection that hangs must not take all the time that a Lambda has.
const requestTimeout = 10 * time.Second

// NewClient returns a client for New. It needs a region and credentials. An
// endpoint other than "" takes the place of AWS, as cfg.BaseEndpoint does. A
// client makes one attempt for each call: trying again is Table's business.
func NewClient(cfg aws.Config, endpoint string) *dynamodb.Client {
	next := cfg.HTTPClient
	if next == nil {
		next = awshttp.NewBuildableClient().WithTimeout(requestTimeout)
	}
	return dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
		o.HTTPClient = plainBody{next}
		o.Retryer = aws.NopRetryer{}
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
	})
}

// NewEngineClient returns a client for an engine on somebody's own machine, which
// wants a region and a signature and does not ask whose it is.
func NewEngineClient(region, endpoint string) *dynamodb.Client {
	anyone := func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local", Source: "engine"}, nil
	}
	return NewClient(aws.Config{Region: region, Credentials: aws.CredentialsProviderFunc(anyone)}, endpoint)
}

// plainBody hides everything of a request's body but Read and Close. The SDK
// closes the body as soon as the answer begins; its WriteTo then reports io.EOF,
// net/http takes that for a broken request and drops the connection while the
// answer is read, and a write that was applied would be sent again.
type plainBody struct{ next aws.HTTPClient }

// Do implements aws.HTTPClient.
func (p plainBody) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return p.next.Do(r)
}
