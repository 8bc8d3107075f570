package site_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"rapport/infra/site"
)

// issue makes proofs that a test can read.
func issue(userID string, ttl time.Duration) (string, error) {
	return "proof of " + userID + " for " + ttl.String(), nil
}

func shop(t *testing.T) http.Handler {
	t.Helper()
	return site.Handler(site.Config{WriteKey: "write-key-1", Issue: issue, Log: slog.New(slog.DiscardHandler)})
}

// get asks the shop for a path, with cookies as a browser would send them.
func get(t *testing.T, h http.Handler, path string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPages(t *testing.T) {
	h := shop(t)
	for _, c := range []struct {
		path   string
		status int
		want   []string
	}{
		{"/", 200, []string{`data-slot="hero"`, `data-slots="hero banner"`, "Tea that takes its time", `href="/shop/tea/fireweed"`}},
		{"/shop/tea/harvest-oolong", 200, []string{"Harvest Oolong", "€18.00", `data-product="harvest-oolong"`, `data-page="Product"`}},
		{"/shop/cart", 200, []string{"Your basket", `id="place-order"`}},
		{"/shop/order?number=LL-0A1B2C3D", 200, []string{"Order LL-0A1B2C3D is on the packing table"}},
		{"/shop/account", 200, []string{`type="email"`, `value="UA"`, "There is no password"}},
		{"/shop/tea/coffee", 404, []string{"Nothing here"}},
		{"/shop/nothing.js", 404, []string{"Nothing here"}},
		{"/shop/img", 404, []string{"Nothing here"}},
		{"/elsewhere", 404, []string{"Nothing here"}},
	} {
		t.Run(c.path, func(t *testing.T) {
			w := get(t, h, c.path)
			if w.Code != c.status {
				t.Errorf("status %d, want %d", w.Code, c.status)
			}
			for _, want := range append(c.want, `data-write-key="write-key-1"`, `data-slot="banner"`) {
				if !strings.Contains(w.Body.String(), want) {
					t.Errorf("the page lacks %s", want)
				}
			}
		})
	}
}

func TestAnAddressIsNeverShownAsItIs(t *testing.T) {
	for _, number := range []string{"<script>alert(1)</script>", "LL-0A1B2C3D+and+more", "LL-zz"} {
		body := get(t, shop(t), "/shop/order?number="+number).Body.String()
		if strings.Contains(body, "alert(1)") || strings.Contains(body, "LL-") {
			t.Errorf("the page repeats %q", number)
		}
		if !strings.Contains(body, "Your order is on the packing table.") {
			t.Errorf("the page says nothing about the order")
		}
	}
}

func TestPagesLoadNothingFromElsewhere(t *testing.T) {
	h := shop(t)
	used := regexp.MustCompile(`(?:src|href)="([^"#]+)`)
	for _, path := range []string{"/", "/shop/tea/fireweed", "/shop/cart", "/shop/order", "/shop/account", "/shop/missing"} {
		w := get(t, h, path)
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
			t.Errorf("%s: policy %q", path, csp)
		}
		body := w.Body.String()
		for _, m := range used.FindAllStringSubmatch(body, -1) {
			if !strings.HasPrefix(m[1], "/") || strings.HasPrefix(m[1], "//") {
				t.Errorf("%s uses %s", path, m[1])
				continue
			}
			if strings.HasPrefix(m[1], "/local/") {
				continue // the local cloud's, not the shop's
			}
			if got := get(t, h, m[1]); got.Code != http.StatusOK {
				t.Errorf("%s uses %s, which answers %d", path, m[1], got.Code)
			}
		}
		if regexp.MustCompile(`<script>|<style| style="| on[a-z]+="`).MatchString(body) {
			t.Errorf("%s has inline script or style, which the policy forbids", path)
		}
	}
}

// Mail programs show no SVG, so what goes into mail is a PNG.
func TestPicturesForMail(t *testing.T) {
	teas, err := fs.Glob(os.DirFS("static"), "img/*.png")
	if err != nil || len(teas) != 6 {
		t.Fatalf("pictures %v, %v", teas, err)
	}
	for _, name := range teas {
		w := get(t, shop(t), "/shop/"+name)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "image/png" || w.Body.Len() > 20_000 {
			t.Errorf("%s answers %d %s with %d bytes", name, w.Code, w.Header().Get("Content-Type"), w.Body.Len())
		}
		page := "/shop/tea/" + strings.TrimSuffix(strings.TrimPrefix(name, "img/"), ".png")
		if w := get(t, shop(t), page); w.Code != http.StatusOK {
			t.Errorf("%s is the picture of no tea: %s answers %d", name, page, w.Code)
		}
	}
}

func TestDrawingsOfEveryBlock(t *testing.T) {
	for _, slot := range []string{"hero", "banner"} {
		for _, block := range []string{"welcome", "new", "ua", "vip"} {
			path := "/shop/img/" + slot + "-" + block + ".svg"
			w := get(t, shop(t), path)
			if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "image/svg+xml" {
				t.Errorf("%s answers %d %s", path, w.Code, w.Header().Get("Content-Type"))
			}
		}
	}
}

// A visitor on a phone waits for the snippet before the page shows, so it stays
// small, with its comments and without a build.
func TestSnippetIsSmall(t *testing.T) {
	const most = 4096
	w := get(t, shop(t), "/shop/rapport.js")
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(z, w.Body); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if packed.Len() > most || packed.Len() < 1000 {
		t.Errorf("the snippet has %d bytes packed, want at most %d", packed.Len(), most)
	}
}

func TestScriptsNeverWriteMarkup(t *testing.T) {
	scripts, err := fs.Glob(os.DirFS("static"), "*.js")
	if err != nil || len(scripts) < 2 {
		t.Fatalf("scripts %v, %v", scripts, err)
	}
	for _, name := range scripts {
		text, err := os.ReadFile("static/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if m := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(`).Find(text); m != nil {
			t.Errorf("%s uses %s", name, m)
		}
	}
}

func TestProofThatCannotBeIssued(t *testing.T) {
	broken := func(string, time.Duration) (string, error) { return "", errors.New("no key") }
	h := site.Handler(site.Config{WriteKey: "k", Issue: broken})
	w := post(t, h, "/shop/sign-in", `{"userId":"ada"}`)
	if w.Code != http.StatusInternalServerError || len(w.Result().Cookies()) != 0 {
		t.Errorf("status %d, cookies %v", w.Code, w.Result().Cookies())
	}
	if strings.Contains(w.Body.String(), "no key") {
		t.Errorf("the cause leaves the process: %s", w.Body)
	}
}
