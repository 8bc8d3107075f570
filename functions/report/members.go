package report

import (
	"bytes"
	"encoding/json"
	"net/http"

	"rapport/shared/fault"
	"rapport/shared/httpapi"
	"rapport/shared/people"
)

// member is the line of somebody in an audience.
type member struct {
	ID          string `json:"id"`
	UserID      string `json:"userId,omitempty"`
	AnonymousID string `json:"anonymousId,omitempty"` // without a user id
	Email       string `json:"email,omitempty"`       // with a purpose that the person agrees to
}

// closing is the last line of each page: without it the answer was cut off.
type closing struct {
	Page memberPage `json:"page"`
}

type memberPage struct {
	Audience string `json:"audience"`
	Purpose  string `json:"purpose,omitempty"`
	Strategy string `json:"strategy"` // its version
	People   int    `json:"people"`   // lines before this one
	Withheld int    `json:"withheld"` // members who did not agree to the purpose
	Next     string `json:"next,omitempty"`
}

// askedOf reads whom the request asks for. An unknown parameter is refused, for
// one that is misspelt would let people through who did not agree.
func askedOf(r *http.Request) (asked people.Asked, after string, err error) {
	query := r.URL.Query()
	for name := range query {
		if name != "purpose" && name != "after" {
			return asked, "", fault.New(fault.Invalid, "unknown_parameter", "ask with purpose and after, and nothing else").In(name)
		}
	}
	return people.Asked{Audience: r.PathValue("id"), Purpose: query.Get("purpose")}, query.Get("after"), nil
}

// members answers with JSON lines, which tools read without holding them all.
func (f *function) members(w http.ResponseWriter, r *http.Request) {
	asked, after, err := askedOf(r)
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	current, err := f.Strategy.Current(r.Context())
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	found, err := f.People.Members(r.Context(), current, asked, after)
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	var lines bytes.Buffer
	enc := json.NewEncoder(&lines)
	enc.SetEscapeHTML(false)
	for _, m := range found.People {
		_ = enc.Encode(member(m)) // texts into memory: nothing can fail
	}
	_ = enc.Encode(closing{memberPage{
		Audience: asked.Audience, Purpose: asked.Purpose, Strategy: current.Version,
		People: len(found.People), Withheld: found.Withheld, Next: found.Next,
	}})
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(lines.Bytes()) // the caller has gone if this fails
}
