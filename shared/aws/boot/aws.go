package boot

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// How long one attempt of a call may take. AWS answers in milliseconds; what is
// slower has lost its connection, and the next attempt opens a new one.
const (
	dialTimeout   = 2 * time.Second
	answerTimeout = 5 * time.Second
)

// connections that stay open to one service: as many as a function makes calls
// at the same time.
const connections = 16

// AWS returns what a client of the service ("DYNAMODB", "SQS", "EVENTBRIDGE")
// needs: region and credentials from the environment that Lambda sets, and
// AWS_ENDPOINT_URL_<service> if somebody wants the client to talk to another
// server. It takes the place of the SDK's own configuration module, whose
// search through files and servers costs more than the rest of a cold start.
func (e *Env) AWS(service string) aws.Config {
	credentials := aws.Credentials{
		AccessKeyID:     e.Variable("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: e.Variable("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
		Source:          "environment",
	}
	cfg := aws.Config{
		Region: e.Variable("AWS_REGION"),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return credentials, nil
		}),
		HTTPClient: client(),
	}
	if endpoint := os.Getenv("AWS_ENDPOINT_URL_" + service); endpoint != "" {
		cfg.BaseEndpoint = &endpoint
	}
	return cfg
}

// client returns an HTTP client for the SDK.
func client() *http.Client {
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout:   dialTimeout,
		ResponseHeaderTimeout: answerTimeout,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   connections,
		IdleConnTimeout:       90 * time.Second,
	}
	return &http.Client{
		Transport: plainBody{transport},
		// A redirect is an answer for the SDK to judge; its signature would not
		// hold at another address anyway.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// plainBody hides everything of a request's body but Read and Close. The SDK's
// body also has WriteTo, which reports io.EOF after the SDK closed it early;
// net/http then drops the connection while the answer is on its way, the SDK
// tries again, and a write that was carried out is carried out twice.
type plainBody struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (p plainBody) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return p.next.RoundTrip(r)
	}
	r = r.Clone(r.Context())
	r.Body = struct{ io.ReadCloser }{r.Body}
	return p.next.RoundTrip(r)
}

// CloseIdleConnections closes connections that nobody uses, as
// http.Client.CloseIdleConnections asks of its transport.
func (p plainBody) CloseIdleConnections() {
	if c, ok := p.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
