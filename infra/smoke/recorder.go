package smoke

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
)

// Recorder stands before the AWS services that a function calls, passes each
// call on, and keeps what permission it needed.
type Recorder struct {
	next http.Handler

	mu    sync.Mutex
	calls map[Call]int
}

// Call is what IAM would have been asked for.
type Call struct {
	Action   string // "dynamodb:GetItem"
	Resource string // name of the table, queue, bus or configuration set
}

// String returns "dynamodb:GetItem people".
func (c Call) String() string { return c.Action + " " + c.Resource }

// NewRecorder records the calls that next answers.
func NewRecorder(next http.Handler) *Recorder {
	return &Recorder{next: next, calls: map[Call]int{}}
}

// Calls are those so far, with how often each was made, in no order.
func (r *Recorder) Calls() map[Call]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.calls)
}

// ServeHTTP implements http.Handler.
func (r *Recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	for _, c := range callsOf(req, body) {
		r.calls[c]++
	}
	r.mu.Unlock()
	req.Body = io.NopCloser(bytes.NewReader(body))
	r.next.ServeHTTP(w, req)
}

// services are IAM's names of services, by the prefix of X-Amz-Target.
var services = map[string]string{"DynamoDB_20120810": "dynamodb", "AmazonSQS": "sqs", "AWSEvents": "events"}

// asked are operations that IAM knows by another name.
var asked = map[string]string{"sqs:SendMessageBatch": "sqs:SendMessage", "sqs:DeleteMessageBatch": "sqs:DeleteMessage"}

// parts are the permissions that the parts of a transaction need; the
// transaction itself needs none.
var parts = map[string]string{
	"Put": "dynamodb:PutItem", "Update": "dynamodb:UpdateItem", "Delete": "dynamodb:DeleteItem",
	"ConditionCheck": "dynamodb:ConditionCheckItem", "Get": "dynamodb:GetItem",
}

// request is what the services' requests say about what they touch.
type request struct {
	TableName            string
	RequestItems         map[string]json.RawMessage
	TransactItems        []map[string]struct{ TableName string }
	QueueURL             string `json:"QueueUrl"`
	Entries              []struct{ EventBusName string }
	ConfigurationSetName string
}

// callsOf returns what one request asks for. What is not understood is a call
// of its own, so that nothing passes unseen.
func callsOf(req *http.Request, body []byte) []Call {
	var in request
	_ = json.Unmarshal(body, &in) // what is no JSON names nothing
	service, operation, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	if req.URL.Path == mailPath {
		return []Call{{"ses:SendEmail", in.ConfigurationSetName}}
	}
	if services[service] == "" {
		return []Call{{"unknown:" + req.Method + req.URL.Path, service + operation}}
	}
	action := services[service] + ":" + operation
	if other := asked[action]; other != "" {
		action = other
	}
	switch {
	case strings.HasPrefix(operation, "Transact"):
		return in.transaction()
	case len(in.RequestItems) > 0:
		return each(action, slices.Sorted(maps.Keys(in.RequestItems)))
	case in.QueueURL != "":
		return []Call{{action, path.Base(in.QueueURL)}}
	case in.TableName == "" && len(in.Entries) > 0:
		return each(action, []string{in.Entries[0].EventBusName})
	}
	return []Call{{action, in.TableName}}
}

func (in request) transaction() []Call {
	var out []Call
	for _, item := range in.TransactItems {
		for kind, part := range item {
			out = append(out, Call{parts[kind], part.TableName})
		}
	}
	return out
}

func each(action string, resources []string) []Call {
	var out []Call
	for _, r := range resources {
		out = append(out, Call{action, r})
	}
	return out
}
