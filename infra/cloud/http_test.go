package cloud_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rapport/infra/cloud"
	"rapport/shared/aws/boot"
)

func post(path, body string) *http.Request {
	return httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
}

const frontDoor = `
Resources:
  EchoFunction:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: 600 # a busy machine changes nothing
      Events:
        Person: { Type: HttpApi, Properties: { Path: "/v1/people/{node}", Method: GET } }
        Me: { Type: HttpApi, Properties: { Path: /v1/people/me, Method: ANY } }
        Post: { Type: HttpApi, Properties: { Path: /v1/track, Method: POST } }
        Files: { Type: HttpApi, Properties: { Path: "/files/{path+}", Method: GET } }
`

// listen opens a front door whose function keeps the event and gives answer.
func listen(t *testing.T, answer any) (*stage, *events.APIGatewayV2HTTPRequest) {
	t.Helper()
	var seen events.APIGatewayV2HTTPRequest
	s := play(t, t.TempDir(), frontDoor, map[string]cloud.Builder{"EchoFunction": handler(
		func(_ context.Context, ev events.APIGatewayV2HTTPRequest) (any, error) { seen = ev; return answer, nil })})
	return s, &seen
}

func TestRequestBecomesPayload(t *testing.T) {
	s, seen := listen(t, nil)
	r := httptest.NewRequest(http.MethodPost, "http://shop.example.com/v1/track?a=1&a=2&b=%20x+y&c", strings.NewReader(`{"чай":1}`))
	r.RemoteAddr = "192.0.2.7:4711"
	r.Header.Add("Accept-Language", "uk")
	r.Header.Add("Accept-Language", "en;q=0.8, de")
	r.Header.Add("Cookie", "a=1; b=2")
	r.Header.Add("Cookie", "c=3")
	r.Header.Set("User-Agent", "test")
	s.ask(r)
	want := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "POST /v1/track", RawPath: "/v1/track", RawQueryString: "a=1&a=2&b=%20x+y&c",
		Cookies: []string{"a=1", "b=2", "c=3"},
		Headers: map[string]string{
			"accept-language": "uk,en;q=0.8, de", "user-agent": "test", "host": "shop.example.com", "content-length": "12",
			"x-forwarded-for": "192.0.2.7", "x-forwarded-proto": "http",
		},
		QueryStringParameters: map[string]string{"a": "1,2", "b": " x y", "c": ""},
		Body:                  `{"чай":1}`,
	}
	want.RequestContext = events.APIGatewayV2HTTPRequestContext{
		RouteKey: "POST /v1/track", AccountID: "000000000000", APIID: "local", Stage: "$default",
		DomainName: "shop.example.com", DomainPrefix: "local", Time: "01/Nov/2026:12:00:00 +0000", TimeEpoch: begin.UnixMilli(),
	}
	want.RequestContext.HTTP.Method, want.RequestContext.HTTP.Path = "POST", "/v1/track"
	want.RequestContext.HTTP.Protocol, want.RequestContext.HTTP.SourceIP = "HTTP/1.1", "192.0.2.7"
	want.RequestContext.HTTP.UserAgent = "test"
	unique := cmpopts.IgnoreFields(events.APIGatewayV2HTTPRequestContext{}, "RequestID")
	if diff := cmp.Diff(want, *seen, unique); diff != "" {
		t.Error(diff)
	}
	if seen.RequestContext.RequestID == "" {
		t.Error("the request has no id")
	}
}

func TestBodiesThatAreNotTextAreBase64(t *testing.T) {
	s, seen := listen(t, nil)
	for name, c := range map[string]struct {
		body, encoding string
		encoded        bool
	}{
		"binary":       {"\xff\x00", "", true},
		"marked text":  {"abc", "gzip", true},
		"text":         {"abc", "", false},
		"nothing sent": {"", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := post("/v1/track", c.body)
			if c.encoding != "" {
				r.Header.Set("Content-Encoding", c.encoding)
			}
			s.ask(r)
			if seen.IsBase64Encoded != c.encoded || (!c.encoded && seen.Body != c.body) {
				t.Errorf("encoded %v, body %q", seen.IsBase64Encoded, seen.Body)
			}
		})
	}
}

func TestAnswerBecomesResponse(t *testing.T) {
	for name, c := range map[string]struct {
		answer  any
		status  int
		body    string
		headers http.Header
	}{
		"text": {
			events.APIGatewayV2HTTPResponse{StatusCode: 201, Body: "чай", Headers: map[string]string{"X-A": "a, b"}, Cookies: []string{"a=1; Path=/", "b=2"}},
			201,
			"чай",
			http.Header{"X-A": {"a, b"}, "Set-Cookie": {"a=1; Path=/", "b=2"}},
		},
		"binary":          {events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: "/wA=", IsBase64Encoded: true}, 200, "\xff\x00", nil},
		"broken base64":   {events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: "%%", IsBase64Encoded: true}, 500, `{"message":"Internal Server Error"}`, nil},
		"without status":  {map[string]any{"ok": true}, 200, `{"ok":true}`, http.Header{"Content-Type": {"application/json"}}},
		"plain JSON text": {"hello", 200, `"hello"`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := listen(t, c.answer)
			response := s.ask(post("/v1/track", ""))
			body, _ := io.ReadAll(response.Body)
			if response.StatusCode != c.status || string(body) != c.body {
				t.Errorf("%d %q", response.StatusCode, body)
			}
			for key, values := range c.headers {
				if diff := cmp.Diff(values, response.Header.Values(key)); diff != "" {
					t.Errorf("%s: %s", key, diff)
				}
			}
		})
	}
}

func TestRoutes(t *testing.T) {
	s, seen := listen(t, nil)
	for _, c := range []struct {
		method, path, route string // "" means not found
		parameters          map[string]string
	}{
		{"GET", "/v1/people/userId:u1", "GET /v1/people/{node}", map[string]string{"node": "userId:u1"}},
		{"GET", "/v1/people/a%2Fb%20c", "GET /v1/people/{node}", map[string]string{"node": "a/b c"}},
		{"GET", "/v1/people/me", "ANY /v1/people/me", nil},
		{"DELETE", "/v1/people/me", "ANY /v1/people/me", nil},
		{"DELETE", "/v1/people/u1", "", nil},
		{"GET", "/v1/people/", "", nil},
		{"GET", "/v1/people/a/b", "", nil},
		{"GET", "/v1/track", "", nil},
		{"HEAD", "/v1/track", "", nil},
		{"POST", "/v1/track/", "", nil},
		{"POST", "/v1/Track", "", nil},
		{"GET", "/files/a/b%20c", "GET /files/{path+}", map[string]string{"path": "a/b c"}},
		{"GET", "/files/", "", nil},
		{"GET", "/", "", nil},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			*seen = events.APIGatewayV2HTTPRequest{}
			response := s.ask(httptest.NewRequest(c.method, c.path, nil))
			if seen.RouteKey != c.route {
				t.Errorf("route is %q, want %q", seen.RouteKey, c.route)
			}
			if diff := cmp.Diff(c.parameters, seen.PathParameters); diff != "" {
				t.Error(diff)
			}
			if body, _ := io.ReadAll(response.Body); c.route == "" && (response.StatusCode != 404 || string(body) != `{"message":"Not Found"}`) {
				t.Errorf("%d %s", response.StatusCode, body)
			}
		})
	}
}

func TestTenMegabytesAreTheLimit(t *testing.T) {
	s, seen := listen(t, nil)
	big := bytes.Repeat([]byte{'x'}, 10<<20)
	if r := s.ask(post("/v1/track", string(big))); r.StatusCode != 200 || len(seen.Body) != len(big) {
		t.Errorf("at the limit: %d", r.StatusCode)
	}
	response := s.ask(post("/v1/track", string(big)+"x"))
	if body, _ := io.ReadAll(response.Body); response.StatusCode != 413 || string(body) != `{"message":"Request Entity Too Large"}` {
		t.Errorf("over it: %d %s", response.StatusCode, body)
	}
}

func TestAFailingFunctionIs500(t *testing.T) {
	s := play(t, t.TempDir(), frontDoor, map[string]cloud.Builder{"EchoFunction": handler(func() error { panic("secret") })})
	response := s.ask(post("/v1/track", ""))
	if body, _ := io.ReadAll(response.Body); response.StatusCode != 500 || string(body) != `{"message":"Internal Server Error"}` {
		t.Errorf("%d %s", response.StatusCode, body)
	}
	if use := s.bill().Functions["EchoFunction"]; use.Failures != 1 || use.Invocations != 1 {
		t.Errorf("the meter says %+v", use)
	}
}

func TestAnHTTPHandlerSeesTheRequestThatWasSent(t *testing.T) {
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		cookie, _ := r.Cookie("b")
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "yes"})
		_ = json.NewEncoder(w).Encode([]string{r.Method, r.URL.String(), r.Host, r.Header.Get("If-None-Match"), cookie.Value, string(body)})
	})
	s := play(t, t.TempDir(), frontDoor, map[string]cloud.Builder{"EchoFunction": func(cloud.Env) (lambda.Handler, error) { return boot.HTTP(echo), nil }})
	r := httptest.NewRequest(http.MethodPost, "http://shop.example.com/v1/track?q=a%26b", strings.NewReader("\xff"))
	r.Header.Set("If-None-Match", `"a", "b"`)
	r.Header.Set("Cookie", "a=1; b=2")
	response := s.ask(r)
	var got []string
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := []string{"POST", "https://shop.example.com/v1/track?q=a%26b", "shop.example.com", `"a", "b"`, "2", "\ufffd"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if c := response.Cookies(); len(c) != 1 || c[0].Value != "yes" {
		t.Errorf("cookies are %v", c)
	}
}

func TestACallerThatGoesAwayStopsNothing(t *testing.T) {
	s := play(t, t.TempDir(), frontDoor, map[string]cloud.Builder{"EchoFunction": handler(
		func(ctx context.Context) (any, error) { return map[string]any{"statusCode": 202}, ctx.Err() })})
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if r := s.ask(post("/v1/track", "").WithContext(gone)); r.StatusCode != 202 {
		t.Errorf("status is %d", r.StatusCode)
	}
}

func TestTheSiteHasWhatTheAPIDoesNotClaim(t *testing.T) {
	s := prepare(t, t.TempDir(), frontDoor, map[string]cloud.Builder{"EchoFunction": handler(func() {})})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.config.Site = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	c, err := cloud.Open(s.config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for path, want := range map[string]int{"/": 418, "/shop/tea/1": 418, "/shopping": 404, "/v1/track": 404, "/local/clock": 200} {
		w := httptest.NewRecorder()
		c.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}
