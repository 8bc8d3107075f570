package decide

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"rapport/shared/decision"
	"rapport/shared/fault"
	"rapport/shared/httpapi"
	"rapport/shared/wire"
)

// OFREP is the protocol by which OpenFeature's SDKs ask a server for flags. Our
// slots are the flags: the value is the content, the variant is the block.
// https://github.com/open-feature/protocol, version 0.3.0.

// flagKey is the name of the path segment that names a flag.
const flagKey = "key"

// evaluations is the answer to a request for all flags.
type evaluations struct {
	Flags    []evaluation `json:"flags"` // by key
	Metadata flagSet      `json:"metadata"`
}

// flagSet is what holds for all flags of an answer.
type flagSet struct {
	Strategy string `json:"strategy"` // its version
}

// evaluation is one slot as a flag.
type evaluation struct {
	Key      string          `json:"key"`
	Value    json.RawMessage `json:"value"`
	Reason   string          `json:"reason"`
	Variant  string          `json:"variant"`
	Metadata metadata        `json:"metadata"`
}

// metadata has no depth: SDKs leave out what is no text, number or boolean. The
// last two are for secret keys only.
type metadata struct {
	flagSet
	Slot        string          `json:"slot"`
	Receipt     string          `json:"receipt"` // to be given back with the exposure
	Policy      decision.Policy `json:"policy,omitempty"`
	Probability float64         `json:"probability,omitempty"`
}

// failure is how OFREP writes what is wrong with a request.
type failure struct {
	Key          string `json:"key,omitempty"` // of the flag that was asked for, if one was
	ErrorCode    string `json:"errorCode"`
	ErrorDetails string `json:"errorDetails"`
}

// flags evaluates every slot. Its ETag is a hash of the whole answer: SDKs send
// the last one along with a context that has changed since, so what an answer
// depends on must show in it, and in an answer that is the same it must not
// change. Receipts do both, for a minute.
func (f *function) flags(w http.ResponseWriter, r *http.Request) {
	made, ok := f.evaluate(w, r, nil)
	if !ok {
		return
	}
	out := evaluations{Flags: make([]evaluation, len(made.Decisions)), Metadata: flagSet{made.Strategy}}
	for i, c := range made.Decisions {
		out.Flags[i] = c.flag(out.Metadata)
	}
	tag := etag(out)
	w.Header().Set("ETag", tag)
	if matches(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	httpapi.Encode(w, http.StatusOK, out)
}

// flag evaluates one slot.
func (f *function) flag(w http.ResponseWriter, r *http.Request) {
	made, ok := f.evaluate(w, r, []string{r.PathValue(flagKey)})
	if ok {
		httpapi.Encode(w, http.StatusOK, made.Decisions[0].flag(flagSet{made.Strategy}))
	}
}

// evaluate decides as for /v1/decide; when it reports false, it has answered.
func (f *function) evaluate(w http.ResponseWriter, r *http.Request, slots []string) (answer, bool) {
	clock := f.start()
	q, err := f.readFlags(r, slots, clock.last)
	if err != nil {
		refuse(w, r, err)
		return answer{}, false
	}
	made, err := f.choose(w, r, q, clock)
	if err != nil {
		refuse(w, r, err)
		return answer{}, false
	}
	return made, true
}

// flagReasons are OpenFeature's words for our policies.
var flagReasons = map[decision.Policy]string{
	decision.Rule: "TARGETING_MATCH", decision.Split: "SPLIT", decision.Fallback: "DEFAULT",
}

func (c chosen) flag(of flagSet) evaluation {
	e := evaluation{
		Key: c.Slot, Value: c.Content, Reason: flagReasons[c.policy], Variant: c.Block,
		Metadata: metadata{flagSet: of, Slot: c.Slot, Receipt: c.Receipt},
	}
	if c.reasons != nil {
		e.Metadata.Policy, e.Metadata.Probability = c.reasons.Policy, c.Probability
	}
	return e
}

// refuse answers in OFREP's form and statuses where a request is at fault. Of
// who may not ask, or not now, SDKs read the status alone: 401, 403, 429, 503.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	problem := httpapi.Describe(err)
	status, code, details := http.StatusBadRequest, "PARSE_ERROR", problem.Message
	if problem.Field != "" {
		details = problem.Field + ": " + details
	}
	switch kind := fault.KindOf(err); {
	case problem.Code == "unknown_slot":
		status, code, details = http.StatusNotFound, "FLAG_NOT_FOUND", problem.Message
	case problem.Code == noTargetingKey:
		code = "TARGETING_KEY_MISSING"
	case problem.Code == "key_in_url":
		code = "GENERAL"
	case kind == fault.Invalid:
		code = "INVALID_CONTEXT"
	case kind != fault.Malformed && kind != fault.TooLarge && kind != fault.Unsupported:
		httpapi.Error(w, err)
		return
	}
	httpapi.Encode(w, status, failure{Key: wire.Short(r.PathValue(flagKey)), ErrorCode: code, ErrorDetails: details})
}

// etag is a hash of v as JSON.
func etag(v any) string {
	hash := sha256.New()
	_ = json.NewEncoder(hash).Encode(v) // what cannot be written, Encode answers for
	return `"` + base64.RawURLEncoding.EncodeToString(hash.Sum(nil)[:16]) + `"`
}

// matches reports whether one of the tags of If-None-Match is this one. A proxy
// that packs answers calls the tag weak; the answer is the same.
func matches(known, tag string) bool {
	for k := range strings.SplitSeq(known, ",") {
		if strings.TrimPrefix(strings.TrimSpace(k), "W/") == tag {
			return true
		}
	}
	return false
}
