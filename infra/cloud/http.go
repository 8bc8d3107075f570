package cloud

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// maxPayload is what API Gateway takes in one request.
const maxPayload = 10 << 20

// gateway is API Gateway's HTTP API: it finds the route, turns the request into
// the JSON that Lambda gets, and Lambda's answer into the response.
type gateway struct {
	clock  *clock
	meter  *meter
	routes []route
}

// serve answers r with the function of the route.
func (g *gateway) serve(w http.ResponseWriter, r *http.Request, to route, parameters map[string]string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			refuse(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
			return
		}
		refuse(w, http.StatusBadRequest, "Bad Request")
		return
	}
	payload, err := json.Marshal(g.event(r, body, to, parameters))
	if err != nil {
		refuse(w, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	answer, err := to.function.Invoke(r.Context(), payload)
	g.meter.HTTP(to.function.spec.ID, len(body))
	switch {
	case errors.Is(err, errTimedOut):
		refuse(w, http.StatusServiceUnavailable, "Service Unavailable")
	case err != nil:
		refuse(w, http.StatusInternalServerError, "Internal Server Error")
	default:
		g.respond(w, to, answer)
	}
}

// event is r in API Gateway's payload format 2.0.
func (g *gateway) event(r *http.Request, body []byte, to route, parameters map[string]string) events.APIGatewayV2HTTPRequest {
	now := g.clock.Now().UTC()
	source, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		source = r.RemoteAddr
	}
	ev := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: to.key(), RawPath: r.URL.EscapedPath(), RawQueryString: r.URL.RawQuery,
		Headers: joinedHeaders(r, source), QueryStringParameters: joinedQuery(r.URL.RawQuery), PathParameters: parameters,
	}
	for _, line := range r.Header.Values("Cookie") {
		for cookie := range strings.SplitSeq(line, ";") {
			ev.Cookies = append(ev.Cookies, strings.TrimSpace(cookie))
		}
	}
	if utf8.Valid(body) && r.Header.Get("Content-Encoding") == "" {
		ev.Body = string(body)
	} else {
		ev.Body, ev.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	ev.RequestContext = events.APIGatewayV2HTTPRequestContext{
		RouteKey: to.key(), AccountID: account, APIID: "local", Stage: "$default", RequestID: newID(),
		DomainName: r.Host, DomainPrefix: "local",
		Time: now.Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
		HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
			Method: r.Method, Path: r.URL.Path, Protocol: r.Proto, SourceIP: source, UserAgent: r.UserAgent(),
		},
	}
	return ev
}

// joinedHeaders has lower-case names, several values joined by commas, cookies
// left out, and what API Gateway adds.
func joinedHeaders(r *http.Request, source string) map[string]string {
	out := map[string]string{}
	for name, values := range r.Header {
		if name != "Cookie" {
			out[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	out["host"] = r.Host
	if r.ContentLength >= 0 && r.Method != http.MethodGet && r.Method != http.MethodHead {
		out["content-length"] = strconv.FormatInt(r.ContentLength, 10)
	}
	out["x-forwarded-proto"] = "http"
	if r.TLS != nil {
		out["x-forwarded-proto"] = "https"
	}
	if before := out["x-forwarded-for"]; before != "" {
		source = before + ", " + source
	}
	out["x-forwarded-for"] = source
	return out
}

func joinedQuery(raw string) map[string]string {
	query, _ := url.ParseQuery(raw) // what can be read, as far as it can
	if len(query) == 0 {
		return nil
	}
	out := make(map[string]string, len(query))
	for name, values := range query {
		out[name] = strings.Join(values, ",")
	}
	return out
}

// respond writes Lambda's answer. One without a status code is the body of a
// 200, as API Gateway infers it.
func (g *gateway) respond(w http.ResponseWriter, to route, answer []byte) {
	var response events.APIGatewayV2HTTPResponse
	if json.Unmarshal(answer, &response) != nil || response.StatusCode == 0 {
		response = events.APIGatewayV2HTTPResponse{
			StatusCode: http.StatusOK, Body: string(answer),
			Headers: map[string]string{"Content-Type": "application/json"},
		}
	}
	body := []byte(response.Body)
	if response.IsBase64Encoded {
		decoded, err := base64.StdEncoding.DecodeString(response.Body)
		if err != nil {
			refuse(w, http.StatusInternalServerError, "Internal Server Error")
			return
		}
		body = decoded
	}
	for name, value := range response.Headers {
		w.Header().Set(name, value)
	}
	for name, values := range response.MultiValueHeaders {
		w.Header().Set(name, strings.Join(values, ","))
	}
	for _, cookie := range response.Cookies {
		w.Header().Add("Set-Cookie", cookie)
	}
	if count := worth[to.function.spec.ID]; count != nil && response.StatusCode < http.StatusMultipleChoices {
		g.meter.Done(count(body))
	}
	w.WriteHeader(response.StatusCode)
	_, _ = w.Write(body) // the client may be gone
}

// refuse answers as API Gateway does by itself.
func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"message":"`+message+`"}`)
}

// worth says what an answer of a function counts for in the meter: decisions
// made and events accepted.
var worth = map[string]func(body []byte) (decisions, events int){
	"DecideFunction": func([]byte) (int, int) { return 1, 0 },
	"CollectFunction": func(body []byte) (int, int) {
		var answer struct{ Accepted int }
		_ = json.Unmarshal(body, &answer) // a preflight has no body
		return 0, answer.Accepted
	},
}
