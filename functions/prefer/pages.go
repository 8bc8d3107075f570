package prefer

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page and its style
	"encoding/base64"
	"html/template"
	"net/http"
	"net/mail"

	"rapport/shared/httpapi"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// page is what a person sees.
type page struct {
	Brand  string // who writes the mail; may be empty
	Title  string
	Text   string
	Button string    // of the one-click form; "" for none
	Wishes *wishForm // of the preferences; nil for none
	Manage string    // address of the preferences; "" for none
	Done   bool      // something was stored
	Style  template.CSS
}

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	styleText string

	pageTemplate = template.Must(template.New("page").Parse(pageText))
	// Nothing runs in these pages, nothing is fetched, nobody may frame them,
	// and their forms lead nowhere else.
	policy = "default-src 'none'; style-src '" + hashOf(styleText) + "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// show200 answers with the page.
func (f *function) show200(w http.ResponseWriter, r *http.Request, p page) {
	f.write(w, r, http.StatusOK, p)
}

// fail answers with a page that says what to do. Why a link is not taken is not
// said: that would help to make one.
func (f *function) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, problem := httpapi.Status(err), httpapi.Describe(err)
	title := "This did not work"
	switch {
	case problem.Code == "bad_link":
		title = "This link does not work"
	case status == http.StatusServiceUnavailable:
		title = "Please try again in a moment"
		problem.Message = "nothing was changed yet, because our own systems do not answer"
		w.Header().Set("Retry-After", "1")
	}
	if status >= http.StatusInternalServerError {
		f.Log.ErrorContext(r.Context(), "preferences cannot be read or stored", "code", problem.Code, "error", err)
	}
	f.write(w, r, status, page{Title: title, Text: sentence(problem.Message)})
}

func (f *function) write(w http.ResponseWriter, r *http.Request, status int, p page) {
	p.Style = template.CSS(styleText) //nolint:gosec // our own file
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, p); err != nil {
		httpapi.Error(w, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // the address is the permission
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(out.Bytes()) // the reader has gone if this fails
	}
}

// choices is the page of all that the person can say, nil when it was erased.
func (f *function) choices(s *strategy.Strategy, p *person.Person, saved bool) page {
	out := page{Brand: brand(s), Title: "How would you like it?", Text: "Change what you want to be different, and save.", Done: saved}
	if saved {
		out.Title, out.Text = "Saved", "This is what holds from now on."
	}
	if p == nil {
		out.Title, out.Text, out.Done = "There is nothing to choose", "We know nothing of you and write to you about nothing, so there is nothing to change.", false
		return out
	}
	out.Wishes = formOf(s, p, f.Now())
	return out
}

// brand is the name that mail comes under.
func brand(s *strategy.Strategy) string {
	address, err := mail.ParseAddress(s.Sender.From)
	if err != nil {
		return ""
	}
	return address.Name
}

// purposeName says what a link is about, also when the strategy has that purpose
// no more: old mail still unsubscribes.
func purposeName(s *strategy.Strategy, id string) string {
	p, ok := purposeOf(s, id)
	if !ok {
		return "what this mail was about"
	}
	return "“" + named(p.Name, p.ID) + "”"
}

func named(name, id string) string {
	if name == "" {
		return id
	}
	return name
}

// sentence begins with a capital and ends with a full stop, as faults' messages
// do not.
func sentence(text string) string {
	if text == "" || text[0] < 'a' || text[0] > 'z' {
		return text + "."
	}
	return string(text[0]-'a'+'A') + text[1:] + "."
}
