package cloud_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"rapport/infra/cloud"
)

// begin is where the tests' clock stands: it moves only when told to.
var begin = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// stage is a local cloud on a fixture template.
type stage struct {
	*cloud.Cloud
	t      *testing.T
	config cloud.Config
	stop   func()
}

// handler is a builder for a function that needs nothing but its code.
func handler(f any) cloud.Builder {
	return func(cloud.Env) (lambda.Handler, error) { return lambda.NewHandler(f), nil }
}

// play opens and runs a local cloud in data, until the test ends.
func play(t *testing.T, data, template string, functions map[string]cloud.Builder) *stage {
	t.Helper()
	s := prepare(t, data, template, functions)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	closed := false
	s.stop = func() {
		if closed {
			return
		}
		closed = true
		cancel()
		<-done
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	t.Cleanup(s.stop)
	return s
}

// prepare opens a local cloud and does not run it.
func prepare(t *testing.T, data, template string, functions map[string]cloud.Builder) *stage {
	t.Helper()
	path := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(path, []byte(template), 0o600); err != nil {
		t.Fatal(err)
	}
	config := cloud.Config{
		Template: path, Data: data, Functions: functions,
		Now: func() time.Time { return begin }, Patience: 20 * time.Second,
	}
	c, err := cloud.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	return &stage{Cloud: c, t: t, config: config}
}

func (s *stage) settle() {
	s.t.Helper()
	if err := s.Settle(context.Background()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) pass(d time.Duration) {
	s.t.Helper()
	if _, err := s.Advance(context.Background(), d); err != nil {
		s.t.Fatal(err)
	}
}

// ask sends a request through the whole front door.
func (s *stage) ask(r *http.Request) *http.Response {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w.Result()
}

// read gets a local route's JSON.
func (s *stage) read(path string, into any) {
	s.t.Helper()
	response := s.ask(httptest.NewRequest(http.MethodGet, path, nil))
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusOK {
		s.t.Fatalf("GET %s: %d %s", path, response.StatusCode, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		s.t.Fatalf("GET %s: %v in %s", path, err, body)
	}
}

// shown is one queue of GET /local/queues.
type shown struct {
	Queue                      string
	Visible, InFlight, Delayed int
	Dead                       []struct {
		Body, Reason string
		Receives     int
	}
}

func (s *stage) queue(name string) shown {
	s.t.Helper()
	var all []shown
	s.read("/local/queues", &all)
	for _, q := range all {
		if q.Queue == name {
			return q
		}
	}
	s.t.Fatalf("there is no queue %s", name)
	return shown{}
}

// door is an HTTP function that sends each line of a request's body to the
// queue in QUEUE_URL as one message.
func door(env cloud.Env) (lambda.Handler, error) {
	queue, err := env.Queue("QUEUE_URL")
	if err != nil {
		return nil, err
	}
	return lambda.NewHandler(func(ctx context.Context, ev struct{ Body string }) (map[string]any, error) {
		if err := queue.Send(ctx, strings.Split(ev.Body, "\n")...); err != nil {
			return nil, err
		}
		return map[string]any{"statusCode": 202}, nil
	}), nil
}

// send puts the messages into the queue behind the door, all at once.
func (s *stage) send(messages ...string) {
	s.t.Helper()
	response := s.ask(httptest.NewRequest(http.MethodPost, "/in", strings.NewReader(strings.Join(messages, "\n"))))
	if response.StatusCode != http.StatusAccepted {
		s.t.Fatalf("send: %d", response.StatusCode)
	}
}

// workshop is a template with a door, a queue with dead letters, and a worker.
const workshop = `
Resources:
  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 60
      RedrivePolicy: { deadLetterTargetArn: !GetAtt Lost.Arn, maxReceiveCount: 3 }
  Lost:
    Type: AWS::SQS::Queue
  DoorFunction:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: 600
      Environment: { Variables: { QUEUE_URL: !Ref Jobs } }
      Events:
        In: { Type: HttpApi, Properties: { Path: /in, Method: POST } }
  WorkerFunction:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: 10
      Events:
        Jobs:
          Type: SQS
          Properties:
            Queue: !GetAtt Jobs.Arn
            BatchSize: 4
            ScalingConfig: { MaximumConcurrency: 1 }
            FunctionResponseTypes: [ReportBatchItemFailures]
`
