package smoke

import (
	"crypto/md5" //nolint:gosec // the checksum by which SQS confirms a message
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"sync"
)

// Roads are SQS, EventBridge and SES on this machine: they take what is sent and
// keep it. The zero value is ready.
type Roads struct {
	mu     sync.Mutex
	queued map[string][]string // bodies, by queue URL
	events []BusEvent
	mails  []string // requests to SES, as JSON
}

// BusEvent is what was published on a bus.
type BusEvent struct{ EventBusName, Source, DetailType, Detail string }

// mailPath is where SES takes mail.
const mailPath = "/v2/email/outbound-emails"

// ServeHTTP implements http.Handler.
func (r *Roads) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch target := req.Header.Get("X-Amz-Target"); {
	case req.URL.Path == mailPath:
		r.mail(w, req)
	case target == "AmazonSQS.SendMessageBatch":
		r.send(w, req)
	case target == "AWSEvents.PutEvents":
		r.put(w, req)
	default:
		http.Error(w, `{"__type":"UnknownOperationException"}`, http.StatusBadRequest)
	}
}

func (r *Roads) send(w http.ResponseWriter, req *http.Request) {
	var in struct {
		QueueURL string `json:"QueueUrl"`
		Entries  []struct{ ID, MessageBody string }
	}
	_ = json.NewDecoder(req.Body).Decode(&in) // what is no JSON sends nothing
	if r.queued == nil {
		r.queued = map[string][]string{}
	}
	stored := []map[string]string{}
	for _, e := range in.Entries {
		r.queued[in.QueueURL] = append(r.queued[in.QueueURL], e.MessageBody)
		sum := md5.Sum([]byte(e.MessageBody)) //nolint:gosec // as above
		stored = append(stored, map[string]string{"Id": e.ID, "MessageId": e.ID, "MD5OfMessageBody": hex.EncodeToString(sum[:])})
	}
	answerJSON(w, map[string]any{"Successful": stored})
}

func (r *Roads) put(w http.ResponseWriter, req *http.Request) {
	var in struct{ Entries []BusEvent }
	_ = json.NewDecoder(req.Body).Decode(&in) // what is no JSON publishes nothing
	results := []map[string]string{}
	for range in.Entries {
		results = append(results, map[string]string{"EventId": "e"})
	}
	r.events = append(r.events, in.Entries...)
	answerJSON(w, map[string]any{"FailedEntryCount": 0, "Entries": results})
}

func (r *Roads) mail(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		http.Error(w, `{"message":"unreadable"}`, http.StatusBadRequest)
		return
	}
	r.mails = append(r.mails, string(body))
	answerJSON(w, map[string]string{"MessageId": "0100"})
}

func answerJSON(w http.ResponseWriter, v any) {
	_ = json.NewEncoder(w).Encode(v) // a caller that is gone needs no answer
}

// Published are the events on all buses so far.
func (r *Roads) Published() []BusEvent {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// Sent are the bodies in a queue so far.
func (r *Roads) Sent(queueURL string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.queued[queueURL])
}

// Drain takes the bodies out of a queue.
func (r *Roads) Drain(queueURL string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.queued[queueURL]
	delete(r.queued, queueURL)
	return out
}
