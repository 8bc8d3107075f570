package httpapi

import (
	"net/http"
	"slices"
	"strings"

	"rapport/shared/fault"
)

// What a browser may ask for from another origin: the methods that SDKs use and
// the headers that they were seen to send.
const (
	corsMethods = "GET,POST,OPTIONS"
	corsHeaders = "authorization, content-type, x-write-key, x-api-key, x-retry-count, anonymousid, sentat, " +
		"rsa-retry-attempt, rsa-retry-reason, rsa-since-first-attempt, rsa-since-last-attempt, x-ip-policy, x-enable-debug, if-none-match"
	corsExposed = "ETag, Retry-After"
	corsMaxAge  = "7200"
)

// CORS lets pages of the given origins use next, pages of any origin when there
// are none. It answers preflights itself. An origin that is not let in, "null"
// and what is no origin included, gets no CORS headers and cannot write.
func CORS(origins []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		allowed := reflectable(origin) && (len(origins) == 0 || slices.Contains(origins, origin))
		switch {
		case r.Method == http.MethodOptions:
			if origin != "" && allowed {
				preflight(w, r, origin, len(origins) > 0)
			}
			w.WriteHeader(http.StatusNoContent)
		case origin == "":
			next.ServeHTTP(w, r)
		case allowed:
			admit(w, origin, len(origins) > 0)
			next.ServeHTTP(w, r)
		case r.Method == http.MethodGet || r.Method == http.MethodHead:
			next.ServeHTTP(w, r)
		default:
			Error(w, fault.New(fault.Forbidden, "origin_not_allowed", "add this origin to the site's list").In("Origin"))
		}
	})
}

// reflectable reports whether the origin may stand in a header of ours. Behind
// API Gateway nothing else keeps a line break out of it, which would begin a
// header of the caller's own.
func reflectable(origin string) bool {
	return origin != "null" && strings.IndexFunc(origin, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// admit reflects the origin. Credentials are for listed origins only.
func admit(w http.ResponseWriter, origin string, listed bool) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", corsExposed)
	if listed {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
}

// preflight grants what was asked, or nothing if any of it is unknown here.
func preflight(w http.ResponseWriter, r *http.Request, origin string, listed bool) {
	method := r.Header.Get("Access-Control-Request-Method")
	if !slices.Contains(strings.Split(corsMethods, ","), method) {
		return
	}
	known := strings.Split(corsHeaders, ", ")
	for asked := range strings.SplitSeq(r.Header.Get("Access-Control-Request-Headers"), ",") {
		asked = strings.ToLower(strings.TrimSpace(asked))
		if asked != "" && !slices.Contains(known, asked) {
			return
		}
	}
	admit(w, origin, listed)
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", corsMethods)
	h.Set("Access-Control-Allow-Headers", corsHeaders)
	h.Set("Access-Control-Max-Age", corsMaxAge)
}
