package httpapi

import (
	"net/http"
	"path"
	"strings"

	"rapport/shared/fault"
)

// Routes serves mux, with its own refusals as JSON: 404 and, for a path that
// exists, 405 with Allow. A path that is not in its plain form is no path here:
// the redirect that a mux would answer loses the body of what SDKs send.
func Routes(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !plain(r.URL.Path) {
			Error(w, notFound())
			return
		}
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		refusal := probe{header: http.Header{}}
		h.ServeHTTP(&refusal, r)
		if refusal.status != http.StatusMethodNotAllowed {
			Error(w, notFound())
			return
		}
		w.Header().Set("Allow", refusal.header.Get("Allow"))
		Encode(w, http.StatusMethodNotAllowed, map[string]Problem{"error": {
			Code: "method_not_allowed", Message: "use one of the methods in the Allow header",
		}})
	})
}

func notFound() *fault.Error {
	return fault.New(fault.NotFound, "no_route", "there is nothing at this path; check it against the documented routes")
}

func plain(p string) bool {
	return p == path.Clean(p) || p == path.Clean(p)+"/" && !strings.HasSuffix(p, "//")
}

// probe takes an answer without sending it.
type probe struct {
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (p *probe) Header() http.Header { return p.header }

// WriteHeader implements http.ResponseWriter.
func (p *probe) WriteHeader(status int) { p.status = status }

// Write implements http.ResponseWriter.
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }
