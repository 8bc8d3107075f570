package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page and its style
	"encoding/base64"
	"html/template"
	"net/http"

	"rapport/shared/access"
	"rapport/shared/fault"
	"rapport/shared/httpapi"
)

var (
	//go:embed pages/console.html
	consolePage string
	//go:embed pages/console.css
	consoleStyle string

	// A mistake in an embedded page is a mistake of the build, hence Must.
	consoleTemplate = template.Must(template.New("console").Parse(consolePage))
)

// consolePolicy lets the page load nothing and run nothing; its own style is
// known by its hash.
var consolePolicy = func() string {
	sum := sha256.Sum256([]byte(consoleStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// signedIn lets people in who give a secret key as the user name of HTTP Basic.
// A browser asks for it when it is told to, so every other key, or none, is
// answered so.
func (f *function) signedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", consolePolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		kind, err := httpapi.Caller(r, f.Keys)
		switch {
		case err == nil && kind == access.Secret:
			next.ServeHTTP(w, r)
		case err == nil, fault.KindOf(err) == fault.Unauthenticated:
			h.Set("WWW-Authenticate", `Basic realm="Rapport console", charset="UTF-8"`)
			http.Error(w, "Sign in with the secret key as user name and no password.", http.StatusUnauthorized)
		default:
			http.Error(w, httpapi.Describe(err).Message, httpapi.Status(err))
		}
	})
}

func (f *function) console(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "This page is only for reading.", http.StatusMethodNotAllowed)
		return
	case r.URL.Path == "/console":
		http.Redirect(w, r, "/console/", http.StatusPermanentRedirect)
		return
	case r.URL.Path != "/console/":
		http.Error(w, "There is no such page; the console is at /console/.", http.StatusNotFound)
		return
	}
	body, err := f.page(r)
	if err != nil {
		f.Log.ErrorContext(r.Context(), "console failed", "error", err)
		http.Error(w, httpapi.Describe(err).Message, httpapi.Status(err))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) //nolint:gosec // G705: html/template escaped all of it; the reader has gone if this fails
}

// page draws the whole console.
func (f *function) page(r *http.Request) ([]byte, error) {
	days, err := daysOf(r.URL.Query().Get("days"))
	if err != nil {
		return nil, err
	}
	blocks, err := f.blockResults(r.Context(), days)
	if err != nil {
		return nil, err
	}
	journeys, err := f.journeyResults(r.Context())
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	//nolint:gosec // G203: the style is a file of ours
	err = consoleTemplate.Execute(&out, struct {
		view
		Style template.CSS
	}{draw(blocks, journeys, days), template.CSS(consoleStyle)})
	if err != nil {
		return nil, fault.New(fault.Internal, "bad_page", "the console cannot be drawn").Because(err)
	}
	return out.Bytes(), nil
}
