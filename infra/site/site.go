// Package site is the sample shop, Linden & Leaf: a few pages of a small tea
// shop that listens with Rapport's browser snippet and shows the content that
// Rapport chooses. It is an example to copy from, and what `rapport local`
// serves at "/". Every page works without Rapport: the default content of each
// slot is written in the page.
package site

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"regexp"
	"time"
)

// Config is what the shop is given.
type Config struct {
	// WriteKey is the public key that the pages send.
	WriteKey string
	// Issue signs the proof that a browser may speak for userID until ttl has
	// passed. A real shop holds the identity secret on its own server, as here.
	Issue func(userID string, ttl time.Duration) (proof string, err error)
	// Log takes what goes wrong; nil means slog.Default().
	Log *slog.Logger
}

// assets are the files that are served as they are; pages are the templates.
var (
	//go:embed static
	assets embed.FS
	//go:embed pages
	pages embed.FS
)

// policy lets the pages load nothing from elsewhere and run no script but the
// shop's two files, so that content which slips in as markup stays inert.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

type shop struct {
	Config
	templates map[string]*template.Template
}

// Handler serves the shop: "/" and everything below "/shop/".
func Handler(c Config) http.Handler {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	s := &shop{Config: c, templates: parse()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.home)
	mux.HandleFunc("GET /shop/tea/{id}", s.tea)
	mux.HandleFunc("GET /shop/cart", s.cart)
	mux.HandleFunc("GET /shop/order", s.order)
	mux.HandleFunc("GET /shop/account", s.account)
	mux.HandleFunc("POST /shop/sign-in", s.signIn)
	mux.HandleFunc("POST /shop/session", s.session)
	mux.HandleFunc("POST /shop/sign-out", s.signOut)
	mux.HandleFunc("GET /shop/{file...}", s.file)
	mux.HandleFunc("GET /", s.notFound)
	return secured(mux)
}

func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// parse builds one template set a page, each in the same layout. A mistake in
// an embedded page is a mistake of the build, hence the panic.
func parse() map[string]*template.Template {
	names, err := fs.Glob(pages, "pages/*.html")
	if err != nil {
		panic(err)
	}
	sets := make(map[string]*template.Template, len(names))
	for _, name := range names {
		if name != "pages/layout.html" {
			sets[name] = template.Must(template.ParseFS(pages, "pages/layout.html", name))
		}
	}
	return sets
}

// page is what a template sees.
type page struct {
	Name     string // of the page, as the page event carries it
	Title    string
	Slots    string // the slots on the page, separated by blanks
	WriteKey string
	Teas     []Tea
	Tea      Tea
	User     string // the signed-in user's id
	Order    string // an order number
}

func (s *shop) home(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, http.StatusOK, "home", page{Name: "Home", Title: "Linden & Leaf, a small tea shop", Slots: "hero banner"})
}

func (s *shop) tea(w http.ResponseWriter, r *http.Request) {
	tea, ok := find(r.PathValue("id"))
	if !ok {
		s.notFound(w, r)
		return
	}
	s.show(w, r, http.StatusOK, "tea", page{Name: "Product", Title: tea.Name, Tea: tea})
}

func (s *shop) cart(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, http.StatusOK, "cart", page{Name: "Basket", Title: "Your basket"})
}

// orderNumber is what the shop's script makes up; anything else in the address
// is not shown.
var orderNumber = regexp.MustCompile(`^LL-[0-9A-F]{8}$`)

func (s *shop) order(w http.ResponseWriter, r *http.Request) {
	number := r.URL.Query().Get("number")
	if !orderNumber.MatchString(number) {
		number = ""
	}
	s.show(w, r, http.StatusOK, "order", page{Name: "Order", Title: "Thank you", Order: number})
}

func (s *shop) account(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, http.StatusOK, "account", page{Name: "Account", Title: "Your account"})
}

func (s *shop) notFound(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, http.StatusNotFound, "missing", page{Name: "Not found", Title: "Nothing here"})
}

// show renders a page. Pages depend on the session cookie, so no cache keeps
// them; the slot on every page but the home page is the banner.
func (s *shop) show(w http.ResponseWriter, r *http.Request, status int, name string, p page) {
	p.WriteKey, p.Teas, p.User = s.WriteKey, teas, signedIn(r)
	if p.Slots == "" {
		p.Slots = "banner"
	}
	var body bytes.Buffer
	if err := s.templates["pages/"+name+".html"].ExecuteTemplate(&body, "layout", p); err != nil {
		s.Log.Error("shop page failed", "page", name, "error", err)
		http.Error(w, "This page is broken; the log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "private, no-cache")
	w.WriteHeader(status)
	if _, err := body.WriteTo(w); err != nil {
		s.Log.Debug("shop visitor left early", "page", name, "error", err)
	}
}

// file serves scripts, style and drawings, and the shop's own page for the rest.
func (s *shop) file(w http.ResponseWriter, r *http.Request) {
	name := "static/" + r.PathValue("file")
	if info, err := fs.Stat(assets, name); err != nil || info.IsDir() {
		s.notFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeFileFS(w, r, assets, name) //nolint:gosec // G703: an embedded file, which was just found
}
