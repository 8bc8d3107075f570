package decide

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"rapport/shared/access"
	"rapport/shared/fault"
	"rapport/shared/httpapi"
)

// maxBody is how many bytes a request may have, unpacked.
const maxBody = 32 << 10

// body is the body of POST /v1/decide.
type body struct {
	AnonymousID string          `json:"anonymousId"`
	UserID      string          `json:"userId"`
	Proof       string          `json:"proof"`
	Slots       []string        `json:"slots"`
	Context     json.RawMessage `json:"context"`
}

// question is a request that may be answered.
type question struct {
	body
	visitor visitor
	trusted bool // a secret key asks: it may know why
}

// read judges the request: its key, its form, its proof, and whether its source
// has asked about too many visitors.
func (f *function) read(r *http.Request, now time.Time) (question, error) {
	caller, err := httpapi.Caller(r, f.Keys)
	if err != nil {
		return question{}, err
	}
	var b body
	if err := decode(r, &b); err != nil {
		return question{}, err
	}
	if b.Context, err = object(b.Context); err != nil {
		return question{}, err
	}
	return f.ask(r, caller, b, now)
}

// decode reads the JSON of a request, which may have maxBody bytes.
func decode(r *http.Request, into any) error {
	data, err := httpapi.Body(r, maxBody)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(data))
	return httpapi.Decode(r, into)
}

// object takes the caller's context, which is an object or is not there: nil.
func object(context json.RawMessage) (json.RawMessage, error) {
	switch c := bytes.TrimSpace(context); {
	case len(c) == 0 || string(c) == "null":
		return nil, nil
	case c[0] != '{':
		return nil, fault.New(fault.Invalid, "bad_value", "send an object as context").In("context")
	default:
		return context, nil
	}
}

// ask finds out who is to be served, and whether so much may be asked.
func (f *function) ask(r *http.Request, caller access.Kind, b body, now time.Time) (question, error) {
	who, err := f.identify(caller, b, now)
	if err != nil {
		return question{}, err
	}
	who.optsOut = caller != access.Secret && httpapi.OptsOut(r)
	q := question{body: b, visitor: who, trusted: caller == access.Secret}
	return q, f.admit(r, q, now)
}

// admit counts the ids that somebody asks about without having shown any right
// to: as they were sent, and before anything is read, so that neither the limit
// nor what comes before it tells which of them exist. Servers and proven users
// are not counted: they have nothing to guess.
func (f *function) admit(r *http.Request, q question, now time.Time) error {
	if q.trusted || q.Proof != "" || q.AnonymousID == "" && q.UserID == "" {
		return nil
	}
	return f.Quota.Admit(httpapi.Source(r), q.AnonymousID+"\n"+q.UserID, now)
}
