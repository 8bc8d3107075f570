package boot_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"rapport/shared/aws/boot"
)

// request is a small event for GET path.
func request(path string) events.APIGatewayV2HTTPRequest {
	ev := events.APIGatewayV2HTTPRequest{Version: "2.0", RawPath: path}
	ev.RequestContext.Stage = "$default"
	ev.RequestContext.DomainName = "api.example.com"
	ev.RequestContext.HTTP.Method = http.MethodGet
	ev.RequestContext.HTTP.SourceIP = "192.0.2.7"
	return ev
}

// serve runs ev through h behind the adapter and fails the test on an error.
func serve(t *testing.T, h http.HandlerFunc, ev events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPResponse {
	t.Helper()
	payload, err := json.Marshal(ev)
	if err != nil {
		t.Fatal(err)
	}
	out, err := boot.HTTP(h).Invoke(context.Background(), payload)
	if err != nil {
		t.Fatalf("the function failed: %v", err)
	}
	var answer events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestHeadersArriveWhole(t *testing.T) {
	headers := map[string]string{
		"cloudfront-viewer-city": "Washington, D.C.",
		"date":                   "Sun, 06 Nov 1994 08:49:37 GMT",
		"if-none-match":          `"a", W/"b"`,
		"accept-language":        "uk, en;q=0.8",
		"sec-ch-ua":              `"Chromium";v="120", "Not:A-Brand";v="8"`,
	}
	ev := request("/")
	ev.Headers = headers
	ev.Cookies = []string{"a=1", "b=2"}
	serve(t, func(_ http.ResponseWriter, r *http.Request) {
		for name, want := range headers {
			if diff := cmp.Diff([]string{want}, r.Header.Values(name)); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		if got := r.Header.Values("Cookie"); len(got) != 1 || got[0] != "a=1; b=2" {
			t.Errorf("cookies are %q", got)
		}
		if a, _ := r.Cookie("a"); a == nil || a.Value != "1" {
			t.Errorf("cookie a is %v", a)
		}
		if b, _ := r.Cookie("b"); b == nil || b.Value != "2" {
			t.Errorf("cookie b is %v", b)
		}
	}, ev)
}

func TestHostIsTheHostThatWasAsked(t *testing.T) {
	ev := request("/")
	ev.Headers = map[string]string{"host": "shop.example.com"}
	serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.Host != "shop.example.com" || r.Header.Get("Host") != "" {
			t.Errorf("host %q, header %q", r.Host, r.Header.Get("Host"))
		}
	}, ev)
}

func TestEmptyHandlerAnswers200(t *testing.T) {
	answer := serve(t, func(http.ResponseWriter, *http.Request) {}, request("/"))
	if answer.StatusCode != http.StatusOK || answer.Body != "" {
		t.Errorf("answer is %+v", answer)
	}
}

func TestStageIsCutOnlyAsAWholeSegment(t *testing.T) {
	for _, c := range []struct{ stage, path, want string }{
		{"prod", "/prod/v1/batch", "/v1/batch"},
		{"prod", "/prod", "/"},
		{"prod", "/products", "/products"},
		{"prod", "/v1/prod/x", "/v1/prod/x"},
		{"$default", "/prod/v1", "/prod/v1"},
		{"", "/prod/v1", "/prod/v1"},
	} {
		t.Run(c.stage+" "+c.path, func(t *testing.T) {
			ev := request(c.path)
			ev.RequestContext.Stage = c.stage
			serve(t, func(_ http.ResponseWriter, r *http.Request) {
				if r.URL.Path != c.want {
					t.Errorf("path is %q, want %q", r.URL.Path, c.want)
				}
			}, ev)
		})
	}
}

func TestEncodedBodiesAreBase64(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(z, "hello")
	_ = z.Close()
	for name, body := range map[string][]byte{"gzip": zipped.Bytes(), "marked ASCII": []byte("plain text")} {
		t.Run(name, func(t *testing.T) {
			answer := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				_, _ = w.Write(body)
			}, request("/"))
			got, err := base64.StdEncoding.DecodeString(answer.Body)
			if !answer.IsBase64Encoded || err != nil || !bytes.Equal(got, body) {
				t.Errorf("encoded %v, %v, body %q", answer.IsBase64Encoded, err, got)
			}
		})
	}
}

func TestPlainBodyStaysText(t *testing.T) {
	answer := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "чай") }, request("/"))
	if answer.IsBase64Encoded || answer.Body != "чай" {
		t.Errorf("answer is %+v", answer)
	}
}

func TestFirstStatusWins(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    int
	}{
		"202 then 500": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(202); w.WriteHeader(500) }, 202},
		"500 then 202": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500); w.WriteHeader(202) }, 500},
		"body then 500": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "x")
			w.WriteHeader(500)
		}, 200},
		"early hints then 204": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); w.WriteHeader(204) }, 204},
	} {
		t.Run(name, func(t *testing.T) {
			if got := serve(t, c.handler, request("/")).StatusCode; got != c.want {
				t.Errorf("status is %d, want %d", got, c.want)
			}
		})
	}
}

func TestRemoteAddrHasAPort(t *testing.T) {
	for _, address := range []string{"192.0.2.7", "2001:db8::1"} {
		ev := request("/")
		ev.RequestContext.HTTP.SourceIP = address
		serve(t, func(_ http.ResponseWriter, r *http.Request) {
			host, _, err := net.SplitHostPort(r.RemoteAddr)
			if err != nil || host != address {
				t.Errorf("address is %q, %v", host, err)
			}
		}, ev)
	}
}

func TestPathsSurvive(t *testing.T) {
	for _, c := range []struct{ raw, path, query string }{
		{"/v1/a%b", "/v1/a%b", "x=1"},
		{"/v1/a?b", "/v1/a?b", "x=1"},
		{"/v1/a#b", "/v1/a#b", "x=1"},
		{"/v1/a%2Fb", "/v1/a/b", "x=1"},
		{"/v1/a b", "/v1/a b", "x=1"},
		{"/v1/чай", "/v1/чай", "x=1"},
		{"/v1/a\nb", "/v1/a\nb", "x=1"},
		{"/v1/a", "/v1/a", "x=\x01"},
	} {
		t.Run(c.raw, func(t *testing.T) {
			ev := request(c.raw)
			ev.RawQueryString = c.query
			serve(t, func(_ http.ResponseWriter, r *http.Request) {
				if r.URL.Path != c.path {
					t.Errorf("path is %q, want %q", r.URL.Path, c.path)
				}
				if want := strings.TrimPrefix(c.query, "x="); r.URL.Query().Get("x") != want {
					t.Errorf("query is %q", r.URL.RawQuery)
				}
			}, ev)
		})
	}
}

func TestEscapedSlashCanBeTold(t *testing.T) {
	serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.EscapedPath() != "/v1/a%2Fb" {
			t.Errorf("escaped path is %q", r.URL.EscapedPath())
		}
	}, request("/v1/a%2Fb"))
}

func TestBodyArrives(t *testing.T) {
	ev := request("/")
	ev.RequestContext.HTTP.Method = http.MethodPost
	ev.Body, ev.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte{0x1f, 0x8b, 0xff}), true
	serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if got, _ := io.ReadAll(r.Body); !bytes.Equal(got, []byte{0x1f, 0x8b, 0xff}) {
			t.Errorf("body is %x", got)
		}
		if r.ContentLength != 3 {
			t.Errorf("length is %d", r.ContentLength)
		}
	}, ev)
}

func TestUnreadableRequestsAnswer400AndLogJSONOnly(t *testing.T) {
	bad := request("/")
	bad.Body, bad.IsBase64Encoded = "%%%", true
	method := request("/")
	method.RequestContext.HTTP.Method = "GET X"
	stdout := captured(t, func() {
		slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
		for name, ev := range map[string]events.APIGatewayV2HTTPRequest{"row 37 invalid base64": bad, "impossible method": method} {
			t.Run(name, func(t *testing.T) {
				answer := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the handler ran") }, ev)
				if answer.StatusCode != http.StatusBadRequest || !json.Valid([]byte(answer.Body)) {
					t.Errorf("answer is %+v", answer)
				}
			})
		}
	})
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if len(lines) != 2 {
		t.Errorf("stdout holds %d lines, want 2:\n%s", len(lines), stdout)
	}
	for _, line := range lines {
		if !json.Valid([]byte(line)) {
			t.Errorf("stdout holds a line that is not JSON: %q", line)
		}
	}
}

// captured returns what f writes to standard output. It restores the default logger.
func captured(t *testing.T, f func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	old, logger := os.Stdout, slog.Default()
	os.Stdout = w
	func() {
		defer func() { os.Stdout = old; slog.SetDefault(logger); _ = w.Close() }()
		f()
	}()
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func BenchmarkHTTP(b *testing.B) {
	ev := request("/v1/decide")
	ev.Headers = map[string]string{"accept-language": "uk, en;q=0.8", "content-type": "text/plain"}
	payload, _ := json.Marshal(ev)
	h := boot.HTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Invoke(context.Background(), payload); err != nil {
			b.Fatal(err)
		}
	}
}
