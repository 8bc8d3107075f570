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

// read judges the request: its key, its form, its proof.
func (f *function) read(r *http.Request, now time.Time) (question, error) {
	caller, err := httpapi.Caller(r, f.Keys)
	if err != nil {
		return question{}, err
	}
	data, err := httpapi.Body(r, maxBody)
	if err != nil {
		return question{}, err
	}
	q := question{trusted: caller == access.Secret}
	r.Body = io.NopCloser(bytes.NewReader(data))
	if err := httpapi.Decode(r, &q.body); err != nil {
		return question{}, err
	}
	switch c := bytes.TrimSpace(q.Context); {
	case len(c) == 0 || string(c) == "null":
		q.Context = nil
	case c[0] != '{':
		return question{}, fault.New(fault.Invalid, "bad_value", "send an object as context").In("context")
	}
	q.visitor, err = f.identify(caller, q.body, now)
	return q, err
}
