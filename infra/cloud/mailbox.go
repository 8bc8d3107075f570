package cloud

import (
	"bytes"
	"embed"
	"encoding/base64"
	htmltemplate "html/template"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"rapport/shared/fault"
	"rapport/shared/httpapi"
)

// pages are what people see of the outbox.
//
//go:embed pages
var pages embed.FS

var mailPages = htmltemplate.Must(htmltemplate.New("").Funcs(htmltemplate.FuncMap{
	"when":  func(t time.Time) string { return t.Format("Mon 2 Jan 2006, 15:04:05 UTC") },
	"short": func(t time.Time) string { return t.Format("2 Jan 15:04") },
}).ParseFS(pages, "pages/*.html"))

// What the pages may do: nothing but show themselves. A mail may show pictures
// and style itself, and no script of it runs. It keeps this origin, which means
// nothing without script: browsers let a page without one load no picture from
// this machine.
const (
	pagePolicy = "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action "
	mailPolicy = "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src http: https: data:; " +
		"style-src 'unsafe-inline' http: https:; font-src http: https: data:; form-action 'none'; frame-ancestors 'self'"
)

// outboxRoutes add the outbox to the local routes: as JSON, and as pages.
func (c *Cloud) outboxRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /local/outbox", func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Accept"), "text/html") {
			http.Redirect(w, r, "/local/outbox/", http.StatusSeeOther)
			return
		}
		answer(w, c.outbox.list)
	})
	mux.HandleFunc("GET /local/outbox/{$}", c.showOutbox)
	mux.HandleFunc("GET /local/outbox/{id}", c.withMail(c.showMail))
	mux.HandleFunc("GET /local/outbox/outbox.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, pages, "pages/outbox.css")
	})
	mux.HandleFunc("GET /local/mail/{id}/html", c.withMail(showHTML))
	mux.HandleFunc("GET /local/mail/{id}/open", c.withMail(c.openMail))
	mux.HandleFunc("GET /local/mail/{id}/click/{link}", c.withMail(c.clickMail))
}

// listedMail is one entry of GET /local/outbox. It is a contract.
type listedMail struct {
	ID      string            `json:"id"`
	To      string            `json:"to"`
	Subject string            `json:"subject"`
	Text    string            `json:"text"`
	HTML    string            `json:"html"` // as it was handed to SES, links untouched
	Headers map[string]string `json:"headers"`
	Journey string            `json:"journey"`
	Step    string            `json:"step"`
	SentAt  string            `json:"sentAt"`
}

func (o *outbox) list() ([]listedMail, error) {
	all, err := o.all()
	out := make([]listedMail, len(all))
	for i, m := range all {
		headers := map[string]string{}
		for _, h := range m.written() {
			headers[h.Name] = h.Value
		}
		out[i] = listedMail{m.ID, m.To, m.Subject, m.Text, m.HTML, headers, m.Tags["journey"], m.Tags["step"], m.SentAt.Format(instant)}
	}
	return out, err
}

// shownMails is how many mails the page lists; the JSON has all.
const shownMails = 200

func (c *Cloud) showOutbox(w http.ResponseWriter, _ *http.Request) {
	all, err := c.outbox.all()
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	slices.Reverse(all)
	c.page(w, "outbox.html", "'none'", struct {
		Mails []sentMail
		More  int
	}{all[:min(shownMails, len(all))], max(0, len(all)-shownMails)})
}

func (c *Cloud) showMail(w http.ResponseWriter, _ *http.Request, m sentMail) {
	unsubscribe := oneClick(m)
	forms := "'none'"
	if at, err := url.Parse(unsubscribe); err == nil && unsubscribe != "" {
		forms = at.Scheme + "://" + at.Host
	}
	c.page(w, "mail.html", forms, struct {
		Mail        sentMail
		Headers     []header
		Unsubscribe string
	}{m, m.written(), unsubscribe})
}

// oneClick is the address that a mail program posts to when somebody presses
// its own unsubscribe button, or "" when the mail offers none.
func oneClick(m sentMail) string {
	if m.Headers["List-Unsubscribe-Post"] != "List-Unsubscribe=One-Click" {
		return ""
	}
	for part := range strings.SplitSeq(m.Headers["List-Unsubscribe"], ",") {
		part = strings.Trim(strings.TrimSpace(part), "<>")
		if strings.HasPrefix(part, "https://") || strings.HasPrefix(part, "http://") {
			return part
		}
	}
	return ""
}

func (c *Cloud) page(w http.ResponseWriter, name, forms string, data any) {
	var body bytes.Buffer
	if err := mailPages.ExecuteTemplate(&body, name, data); err != nil {
		httpapi.Error(w, fault.New(fault.Internal, "bad_page", "the page cannot be shown").Because(err))
		return
	}
	guard(w, pagePolicy+forms)
	_, _ = body.WriteTo(w) // the reader may be gone
}

// guard sets what every page of the outbox says about itself.
func guard(w http.ResponseWriter, policy string) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
}

// withMail finds the mail that a route names.
func (c *Cloud) withMail(serve func(http.ResponseWriter, *http.Request, sentMail)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		m, err := c.outbox.find(r.PathValue("id"))
		if err != nil {
			httpapi.Error(w, err)
			return
		}
		serve(w, r, m)
	}
}

func showHTML(w http.ResponseWriter, _ *http.Request, m sentMail) {
	page, _, err := tracked(m)
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	guard(w, mailPolicy)
	_, _ = w.Write(page) // the reader may be gone
}

// pixel is a transparent image of one point.
var pixel, _ = base64.StdEncoding.DecodeString("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")

func (c *Cloud) openMail(w http.ResponseWriter, r *http.Request, m sentMail) {
	c.noticed(r, m, open(r.UserAgent(), client(r), c.clock.Now().UTC()))
	w.Header().Set("Content-Type", "image/gif")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(pixel) // the reader may be gone
}

// clickMail leads on to a destination that stood in the mail, and to no other.
func (c *Cloud) clickMail(w http.ResponseWriter, r *http.Request, m sentMail) {
	_, links, err := tracked(m)
	n, notNumber := strconv.Atoi(r.PathValue("link"))
	if err != nil || notNumber != nil || n < 0 || n >= len(links) {
		httpapi.Error(w, fault.New(fault.NotFound, "no_link", "the mail has no such link"))
		return
	}
	c.noticed(r, m, click(links[n], r.UserAgent(), client(r), c.clock.Now().UTC()))
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, links[n], http.StatusFound)
}

// noticed publishes what SES saw. The reader gets on even when that fails, as
// with SES, whose events are best effort. A HEAD is no reader.
func (c *Cloud) noticed(r *http.Request, m sentMail, what incident) {
	if r.Method == http.MethodHead {
		return
	}
	if err := c.outbox.tell(m, nil, what); err != nil {
		c.log.Warn("what happened to a mail was not published", "mail", m.ID, "error", err)
	}
}

func client(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
