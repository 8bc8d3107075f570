package report

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"

	"rapport/shared/access"
	"rapport/shared/fault"
	"rapport/shared/httpapi"
)

var (
	//go:embed pages/*.html pages/*.css
	pages embed.FS

	// A mistake in an embedded page is a mistake of the build, hence Must.
	templates = template.Must(template.ParseFS(pages, "pages/*.html"))

	chartStyle  = style("console.css")
	personStyle = style("console.css", "people.css")
)

// style puts files of ours together, as the template takes them.
func style(names ...string) template.CSS {
	var text strings.Builder
	for _, name := range names {
		file, err := pages.ReadFile("pages/" + name)
		if err != nil {
			panic(err) // a mistake of the build, too
		}
		text.Write(file)
	}
	return template.CSS(text.String()) //nolint:gosec // G203: the files are ours
}

// consolePolicy lets pages load nothing, run nothing, and send their forms to
// ourselves; their own styles are known by their hashes.
var consolePolicy = func() string {
	var hashes string
	for _, s := range []template.CSS{chartStyle, personStyle} {
		sum := sha256.Sum256([]byte(s))
		hashes += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; style-src" + hashes + "; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
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

// The console's pages.
const (
	worked  = "/console/"
	search  = "/console/people"
	preview = "/console/preview"
)

// console finds the page for a path. What follows people/ is a node as it is:
// one with a slash needs no escape.
func (f *function) console(w http.ResponseWriter, r *http.Request) {
	node, ofPerson := strings.CutPrefix(r.URL.Path, search+"/")
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "This page is only for reading.", http.StatusMethodNotAllowed)
	case r.URL.Path == "/console":
		http.Redirect(w, r, worked, http.StatusPermanentRedirect)
	case r.URL.Path == worked:
		f.show(w, r, f.results)
	case r.URL.Path == search, ofPerson && node == "":
		f.search(w, r)
	case ofPerson:
		f.show(w, r, func(r *http.Request) (sheet, error) { return f.portrait(r, node) })
	case r.URL.Path == preview:
		f.show(w, r, f.preview)
	default:
		http.Error(w, "There is no such page; the console is at /console/.", http.StatusNotFound)
	}
}

// sheet is one page of the console: which template draws what.
type sheet struct {
	frame

	name   string // of the template
	status int    // 0: 200
	body   any
}

// frame is what is around every page.
type frame struct {
	Title string
	Style template.CSS
	Pages []period
}

// framed makes the frame of a page; path is which of the console's it is.
func framed(title, path string, css template.CSS) frame {
	out := frame{Title: title, Style: css}
	for _, p := range []struct{ label, link string }{{"People", search}, {"What worked", worked}, {"Preview", preview}} {
		out.Pages = append(out.Pages, period{Label: p.label, Link: p.link, Chosen: p.link == path})
	}
	return out
}

// show draws a page. One about a person that nobody is says so kindly.
func (f *function) show(w http.ResponseWriter, r *http.Request, of func(*http.Request) (sheet, error)) {
	p, err := of(r)
	if fault.KindOf(err) == fault.NotFound {
		p, err = nobody(""), nil
	}
	var body bytes.Buffer
	if err == nil {
		err = templates.ExecuteTemplate(&body, p.name, struct {
			frame
			Body any
		}{p.frame, p.body})
		if err != nil {
			err = fault.New(fault.Internal, "bad_page", "the console cannot be drawn").Because(err)
		}
	}
	if err != nil {
		if fault.KindOf(err) == fault.Internal {
			f.Log.ErrorContext(r.Context(), "console failed", "error", err)
		}
		http.Error(w, httpapi.Describe(err).Message, httpapi.Status(err))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(max(p.status, http.StatusOK))
	_, _ = w.Write(body.Bytes()) // the reader has gone if this fails
}

// results is the page of what worked.
func (f *function) results(r *http.Request) (sheet, error) {
	days, err := daysOf(r.URL.Query().Get("days"))
	if err != nil {
		return sheet{}, err
	}
	blocks, err := f.blockResults(r.Context(), days)
	if err != nil {
		return sheet{}, err
	}
	journeys, err := f.journeyResults(r.Context())
	if err != nil {
		return sheet{}, err
	}
	return sheet{frame: framed("What worked", worked, chartStyle), name: "console.html", body: draw(blocks, journeys, days)}, nil
}
