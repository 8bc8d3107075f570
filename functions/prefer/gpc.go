package prefer

import (
	"net/http"

	"rapport/shared/httpapi"
)

// control is the statement that a site obeys Global Privacy Control, in the form
// of the W3C's draft, where browsers and auditors look for it.
type control struct {
	GPC        bool   `json:"gpc"`
	LastUpdate string `json:"lastUpdate"` // the date from which on it is so
}

// support answers everybody: the statement is about the site and needs no key.
func support(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=86400")
	httpapi.Encode(w, http.StatusOK, control{GPC: true, LastUpdate: "2026-11-24"})
}
