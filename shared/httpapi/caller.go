package httpapi

import (
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"rapport/shared/access"
	"rapport/shared/fault"
)

// PathKey is the name of the path segment that may carry a write key:
// "/k/{writeKey}/v1/…".
const PathKey = "writeKey"

// Caller says who is calling by the key in the request's headers, path or query.
// It fails with Unauthenticated, no_key or unknown_key; with Malformed,
// key_in_url when the URL shows a secret key; and with Forbidden,
// secret_key_in_browser when a browser shows one.
func Caller(r *http.Request, keys access.Keys) (access.Kind, error) {
	return CallerWith(r, keys, "")
}

// CallerWith is Caller for requests that may carry the key in their body.
func CallerWith(r *http.Request, keys access.Keys, inBody string) (access.Kind, error) {
	if exposed(r, keys) {
		slog.Warn("a secret key was sent in a URL; replace it", "route", r.Pattern)
		return access.Nobody, fault.New(fault.Malformed, "key_in_url",
			"send the secret key in the Authorization header and replace this one, which the URL has exposed")
	}
	key := Key(r, inBody)
	if key == "" {
		return access.Nobody, fault.New(fault.Unauthenticated, "no_key",
			"send your key as the user name of HTTP Basic or as Authorization: Bearer")
	}
	kind, ok := keys.Classify(key)
	if !ok {
		return access.Nobody, fault.New(fault.Unauthenticated, "unknown_key", "this key is not in force; send a current one")
	}
	if kind == access.Secret && r.Header.Get("Origin") != "" {
		slog.Warn("a secret key was sent by a browser; replace it", "route", r.Pattern)
		return access.Nobody, fault.New(fault.Forbidden, "secret_key_in_browser",
			"use the write key in browsers and replace this secret key, which visitors can read")
	}
	return kind, nil
}

// Key finds the key in a request; the first of these that is there wins: the
// user name of HTTP Basic, a bearer token, X-Write-Key up to its colon,
// X-API-Key, the path, the body unless it is masked, the query.
func Key(r *http.Request, inBody string) string {
	if user, _, ok := r.BasicAuth(); ok && user != "" {
		return user
	}
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	if key, _, _ := strings.Cut(r.Header.Get("X-Write-Key"), ":"); key != "" {
		return key
	}
	if key := r.Header.Get("X-API-Key"); key != "" {
		return key
	}
	if key := r.PathValue(PathKey); key != "" {
		return key
	}
	if inBody != "" && !strings.Contains(inBody, "***") {
		return inBody
	}
	return r.URL.Query().Get("writeKey")
}

// exposed reports whether the URL shows a secret key, in whichever parameter.
func exposed(r *http.Request, keys access.Keys) bool {
	secret := func(text string) bool {
		kind, _ := keys.Classify(text)
		return kind == access.Secret
	}
	for _, values := range r.URL.Query() {
		for _, v := range values {
			if secret(v) {
				return true
			}
		}
	}
	return secret(r.PathValue(PathKey))
}

// ipv6Site is how much of an IPv6 address tells who is there: providers give a
// household a /64 at the least, and it may use any address in it.
const ipv6Site = 64

// OptsOut reports whether the browser asks not to be sold or shared: Global
// Privacy Control. Any other value, and none, say nothing.
func OptsOut(r *http.Request) bool { return r.Header.Get("Sec-GPC") == "1" }

// Source is where a request comes from, as quotas count it: an IPv4 address, or
// the /64 of an IPv6 address. It is what the connection says, behind API Gateway
// requestContext.http.sourceIp; X-Forwarded-For is the caller's to write and not
// read. It is the zero Prefix when the connection does not say.
func Source(r *http.Request) netip.Prefix {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	address := at.Addr().Unmap()
	bits := address.BitLen()
	if address.Is6() {
		bits = ipv6Site
	}
	source, _ := address.Prefix(bits) // of a valid address
	return source
}

// RequireKey lets callers with any key through.
func RequireKey(keys access.Keys, next http.Handler) http.Handler {
	return require(keys, access.Write, next)
}

// RequireSecret lets callers with a secret key through; a write key is answered
// with Forbidden, secret_key_required.
func RequireSecret(keys access.Keys, next http.Handler) http.Handler {
	return require(keys, access.Secret, next)
}

func require(keys access.Keys, least access.Kind, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind, err := Caller(r, keys)
		if err == nil && kind < least {
			err = fault.New(fault.Forbidden, "secret_key_required", "call this with a secret key, from a server")
		}
		if err != nil {
			Error(w, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}
