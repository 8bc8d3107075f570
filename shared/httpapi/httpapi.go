// Package httpapi is the JSON edge that every HTTP function shares: it reads
// requests strictly, writes answers, turns faults into statuses in one place,
// says who is calling, and lets browsers of other origins in.
package httpapi

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"rapport/shared/fault"
	"rapport/shared/wire"
)

// statuses is the only place where a kind of failure becomes a status.
var statuses = map[fault.Kind]int{
	fault.Malformed:       http.StatusBadRequest,
	fault.Unauthenticated: http.StatusUnauthorized,
	fault.Forbidden:       http.StatusForbidden,
	fault.NotFound:        http.StatusNotFound,
	fault.Conflict:        http.StatusConflict,
	fault.TooLarge:        http.StatusRequestEntityTooLarge,
	fault.Unsupported:     http.StatusUnsupportedMediaType,
	fault.Invalid:         http.StatusUnprocessableEntity,
	fault.Limited:         http.StatusTooManyRequests,
	fault.Unavailable:     http.StatusServiceUnavailable,
	fault.Internal:        http.StatusInternalServerError,
}

// Status returns the HTTP status that err is answered with.
func Status(err error) int { return statuses[fault.KindOf(err)] }

// Problem is what an answer says about a failure.
type Problem struct {
	Code      string `json:"code"`
	Message   string `json:"message"`
	Field     string `json:"field,omitempty"`
	RequestID string `json:"requestId,omitempty"` // of an internal failure; the log has its cause
}

// Describe tells of err what may leave the process: of an internal failure no
// more than that it happened.
func Describe(err error) Problem {
	var f *fault.Error
	if errors.As(err, &f) && f.Kind != fault.Internal {
		return Problem{Code: f.Code, Message: f.Message, Field: wire.Short(f.Field)}
	}
	return Problem{Code: "internal", Message: "something broke on our side; try again, and name the request id if it stays"}
}

// Error answers with the status of err and {"error":{code, message, field}}. The
// cause of an internal failure goes to the log under the request id that the
// answer names.
func Error(w http.ResponseWriter, err error) {
	status, problem := Status(err), Describe(err)
	switch status {
	case http.StatusInternalServerError:
		problem.RequestID = rand.Text()
		slog.Error("request failed", "requestId", problem.RequestID, "error", err)
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", retryAfter(err))
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
		slog.Warn("request postponed", "code", problem.Code, "error", err)
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer`)
	}
	Encode(w, status, map[string]Problem{"error": problem})
}

// retryAfter is the wait that err asks for in whole seconds, rounded up: clients
// read nothing finer, and one that comes back too early is refused again.
func retryAfter(err error) string {
	var wait time.Duration
	if f := (*fault.Error)(nil); errors.As(err, &f) {
		wait = f.Wait
	}
	return strconv.FormatInt(max(1, int64((wait+time.Second-1)/time.Second)), 10)
}

// Encode answers with v as JSON. A header that the caller set before stays;
// without one, nothing between us and the caller may keep the answer.
func Encode(w http.ResponseWriter, status int, v any) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		slog.Error("answer cannot be written as JSON", "error", err)
		status = http.StatusInternalServerError
		body.Reset()
		body.WriteString(`{"error":{"code":"internal","message":"the answer cannot be written"}}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the caller has gone if this fails
}
