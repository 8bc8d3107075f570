// Package boot is how a Lambda starts: it turns what AWS delivers into what our
// handlers take. HTTP functions are plain http.Handlers behind
// aws-lambda-go-api-proxy, whose known faults are repaired here and nowhere
// else; nothing else may import that module.
package boot

import (
	"context"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"
)

type eventKey struct{}

// HTTP returns h as a Lambda handler for API Gateway's HTTP API, payload
// format 2.0. What cannot be an HTTP request at all (a body that is not the
// base64 it claims to be, an impossible method) is answered with 400 and logged
// to slog's default logger; the handler itself never returns an error for it.
func HTTP(h http.Handler) lambda.Handler {
	proxy := httpadapter.NewV2(repaired(h))
	return lambda.NewHandler(func(ctx context.Context, ev events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		if reason := prepare(&ev); reason != "" {
			slog.WarnContext(ctx, "unreadable request refused", "reason", reason, "requestId", ev.RequestContext.RequestID)
			return refusal(reason), nil
		}
		answer, err := proxy.ProxyWithContext(context.WithValue(ctx, eventKey{}, &ev), ev)
		if err != nil {
			return answer, err
		}
		return encodedAsBase64(answer), nil
	})
}

// prepare mends the event before the adapter sees it and says what makes it
// impossible to serve, or "".
func prepare(ev *events.APIGatewayV2HTTPRequest) string {
	if !isToken(ev.RequestContext.HTTP.Method) {
		return "the method is not an HTTP method"
	}
	if ev.IsBase64Encoded {
		body, err := base64.StdEncoding.DecodeString(ev.Body)
		if err != nil {
			return "the body is not valid base64"
		}
		ev.Body, ev.IsBase64Encoded = string(body), false
	}
	if ev.RawPath == "" {
		ev.RawPath = ev.RequestContext.HTTP.Path
	}
	ev.RawPath = escapedPath(withoutStage(ev.RawPath, ev.RequestContext.Stage))
	ev.RawQueryString = escapedControls(ev.RawQueryString)
	return ""
}

// withoutStage cuts "/prod" off "/prod/v1/batch" but leaves "/products" alone.
// The default stage does not show in paths.
func withoutStage(path, stage string) string {
	if stage == "" || stage == "$default" {
		return path
	}
	rest, found := strings.CutPrefix(path, "/"+stage)
	switch {
	case found && rest == "":
		return "/"
	case found && rest[0] == '/':
		return rest
	default:
		return path
	}
}

// escapedPath returns a path that survives being parsed as part of a URL. API
// Gateway may deliver it decoded, so that a lone "%" or a "?" are data.
func escapedPath(path string) string {
	_, err := url.PathUnescape(path)
	if err == nil && !strings.ContainsAny(path, "?#") && path == escapedControls(path) {
		return path
	}
	return (&url.URL{Path: path}).EscapedPath()
}

// escapedControls escapes the control characters that no URL may hold.
func escapedControls(text string) string {
	if strings.IndexFunc(text, isControl) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if isControl(r) {
			b.WriteString(url.QueryEscape(string(r)))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// isToken reports whether a method is one that HTTP could carry.
func isToken(method string) bool {
	if method == "" {
		return false
	}
	return strings.IndexFunc(method, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '-'
	}) < 0
}

func refusal(reason string) events.APIGatewayV2HTTPResponse {
	return events.APIGatewayV2HTTPResponse{
		StatusCode: http.StatusBadRequest,
		Headers:    map[string]string{"Content-Type": "application/json"},
		Body:       `{"error":{"code":"unreadable_request","message":"The request cannot be read: ` + reason + `."}}`,
	}
}

// encodedAsBase64 makes a compressed body binary whether or not its bytes
// happen to be valid UTF-8.
func encodedAsBase64(answer events.APIGatewayV2HTTPResponse) events.APIGatewayV2HTTPResponse {
	if answer.Headers["Content-Encoding"] != "" && !answer.IsBase64Encoded {
		answer.Body = base64.StdEncoding.EncodeToString([]byte(answer.Body))
		answer.IsBase64Encoded = true
	}
	return answer
}
