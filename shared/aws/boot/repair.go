package boot

import (
	"net"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// repaired wraps h so that it sees the request that was sent and may answer as
// it would under net/http.
func repaired(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ev, ok := r.Context().Value(eventKey{}).(*events.APIGatewayV2HTTPRequest); ok {
			restore(r, ev)
		}
		first := &firstStatus{ResponseWriter: w}
		h.ServeHTTP(first, r)
		first.WriteHeader(http.StatusOK) // for a handler that wrote nothing
	})
}

// restore replaces the headers, which the adapter cut at commas, by the whole
// ones, joins the cookies and gives the sender's address the form of net/http.
func restore(r *http.Request, ev *events.APIGatewayV2HTTPRequest) {
	header := make(http.Header, len(ev.Headers)+1)
	for name, value := range ev.Headers {
		header.Set(name, value)
	}
	if len(ev.Cookies) > 0 {
		header.Set("Cookie", strings.Join(ev.Cookies, "; "))
	}
	if host := header.Get("Host"); host != "" {
		r.Host = host
		header.Del("Host")
	}
	r.Header = header
	r.RemoteAddr = net.JoinHostPort(ev.RequestContext.HTTP.SourceIP, "0")
}

// firstStatus keeps the first final status, as net/http does. The adapter's
// own writer would keep the last.
type firstStatus struct {
	http.ResponseWriter
	written bool
}

// WriteHeader implements http.ResponseWriter. Informational statuses have no
// place in a Lambda's answer.
func (w *firstStatus) WriteHeader(status int) {
	if w.written || status < http.StatusOK {
		return
	}
	w.written = true
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *firstStatus) Write(body []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.ResponseWriter.Write(body)
}
