package cloud

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"

	"rapport/shared/fault"
)

// putEvents is the header by which AWS's clients ask EventBridge to publish.
const putEvents = "AWSEvents.PutEvents"

// putEntry is one event as PutEvents takes it.
type putEntry struct {
	Source, DetailType, Detail, EventBusName string
	Resources                                []string
}

// putResult is what became of one: an id, or an error.
type putResult struct {
	EventID      string `json:"EventId,omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

// Limits of one PutEvents.
const (
	maxPutEntries = 10
	maxPutBytes   = 1 << 20
)

// asksBus reports whether a request is for EventBridge, as the AWS CLI sends it
// with --endpoint-url. A page cannot: it may not set the header unasked.
func asksBus(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Path == "/" && r.Header.Get("X-Amz-Target") == putEvents
}

// putOnBus publishes what another system tells.
func (c *Cloud) putOnBus(w http.ResponseWriter, r *http.Request) {
	var request struct{ Entries []putEntry }
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPutBytes))
	if err == nil {
		err = json.Unmarshal(body, &request)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if err != nil || len(request.Entries) == 0 || len(request.Entries) > maxPutEntries {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"ValidationException","message":"send 1 to 10 Entries of at most 1 MB together"}`)
		return
	}
	var answer struct {
		FailedEntryCount int
		Entries          []putResult
	}
	for _, e := range request.Entries {
		result := c.put(r, e)
		if result.ErrorCode != "" {
			answer.FailedEntryCount++
		}
		answer.Entries = append(answer.Entries, result)
	}
	_ = json.NewEncoder(w).Encode(answer) // the client may be gone
}

func (c *Cloud) put(r *http.Request, e putEntry) putResult {
	name := e.EventBusName
	if _, after, isARN := strings.Cut(name, "event-bus/"); isARN {
		name = after
	}
	if name == "" {
		name = "default"
	}
	if !slices.ContainsFunc(c.bus.rules, func(b boundRule) bool { return b.spec.Bus == name }) {
		return putResult{ErrorCode: "ResourceNotFoundException", ErrorMessage: "no rule of the template listens to the bus " + name}
	}
	if e.Source == "" || e.DetailType == "" {
		return putResult{ErrorCode: "InvalidArgument", ErrorMessage: "Source and DetailType must be there"}
	}
	id := newID()
	bus := &Bus{bus: c.bus, name: name, function: "others"}
	err := bus.Put(r.Context(), BusEntry{ID: id, Source: e.Source, DetailType: e.DetailType, Detail: json.RawMessage(e.Detail), Resources: e.Resources})
	switch {
	case err == nil:
		return putResult{EventID: id}
	case fault.KindOf(err) == fault.Invalid:
		return putResult{ErrorCode: "MalformedDetail", ErrorMessage: err.Error()}
	default:
		return putResult{ErrorCode: "InternalFailure", ErrorMessage: err.Error()}
	}
}
