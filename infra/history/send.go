package history

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"rapport/shared/fault"
)

// tries is how often a request is made before the run gives up; the pauses
// between them double from one second.
const tries = 6

// answer is what collect says, of a batch or of why it took none of it.
type answer struct {
	Accepted int
	Rejected []refused
	Declined []refused
	Error    refused
}

type refused struct {
	Index   int
	Code    string
	Message string
}

// send hands the items to collect and counts their verdicts. A refusal of the
// whole request is traced to the events that cause it by sending halves.
func (r *run) send(ctx context.Context, items []item) error {
	if len(items) == 0 {
		return nil
	}
	status, a, err := r.post(ctx, items)
	if err != nil {
		return err
	}
	switch status {
	case http.StatusOK:
		return r.count(items, a)
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		if len(items) == 1 {
			verdict(&r.summary.Rejected, a.Error.Code, a.Error.Message, items[0].line)
			return nil
		}
		half := len(items) / 2
		if err := r.send(ctx, items[:half]); err != nil {
			return err
		}
		return r.send(ctx, items[half:])
	case http.StatusUnauthorized:
		return fault.New(fault.Unauthenticated, "secret_key_required", "history needs a secret key: pass --secret-key or set RAPPORT_SECRET_KEY")
	case http.StatusForbidden:
		return fault.New(fault.Forbidden, a.Error.Code, "the key does not reach: %s", a.Error.Message)
	default:
		return fault.New(fault.Unavailable, "no_collect", "%s answers %d to history: check the address", r.URL, status)
	}
}

func (r *run) count(items []item, a answer) error {
	if a.Accepted+len(a.Rejected)+len(a.Declined) != len(items) {
		return fault.New(fault.Unavailable, "odd_answer", "%s does not answer as Rapport: check the address", r.URL)
	}
	r.summary.Accepted += a.Accepted
	for _, v := range a.Rejected {
		verdict(&r.summary.Rejected, v.Code, v.Message, lineOf(items, v.Index))
	}
	for _, v := range a.Declined {
		verdict(&r.summary.Declined, v.Code, v.Message, lineOf(items, v.Index))
	}
	return nil
}

func lineOf(items []item, index int) int {
	if index < 0 || index >= len(items) {
		return 0
	}
	return items[index].line
}

// post sends one request, again when collect asks for it or cannot be reached.
// The same events may arrive twice that way, which changes nothing.
func (r *run) post(ctx context.Context, items []item) (int, answer, error) {
	var body bytes.Buffer
	body.WriteString(`{"batch":[`)
	for i, it := range items {
		if i > 0 {
			body.WriteByte(',')
		}
		body.Write(it.text)
	}
	body.WriteString("]}")
	pause := time.Second
	for try := 1; ; try++ {
		status, wait, a, err := r.try(ctx, body.Bytes())
		if err == nil {
			return status, a, nil
		}
		if try == tries || ctx.Err() != nil {
			return 0, answer{}, gaveUp(r.URL, status, errors.Join(err, ctx.Err()))
		}
		if err := r.Wait(ctx, max(pause, wait)); err != nil {
			return 0, answer{}, gaveUp(r.URL, status, err)
		}
		pause *= 2
	}
}

// errPostponed is collect's wish to be asked again.
var errPostponed = errors.New("not now")

// try sends the request once. An error means that it may be sent again.
func (r *run) try(ctx context.Context, body []byte) (status int, wait time.Duration, a answer, err error) {
	status, wait, reply, err := r.call(ctx, http.MethodPost, "/v1/batch?import=1", body)
	if err != nil {
		return status, wait, answer{}, err
	}
	err = json.Unmarshal(reply, &a)
	switch {
	case status == http.StatusTooManyRequests || status >= http.StatusInternalServerError:
		return status, wait, answer{}, errPostponed
	case status != http.StatusOK: // the status alone says what to do
		return status, wait, a, nil
	default:
		return status, wait, a, err
	}
}

func gaveUp(url string, status int, err error) error {
	text := "cannot be reached"
	if status != 0 {
		text = fmt.Sprintf("answers %d", status)
	}
	return fault.New(fault.Unavailable, "gave_up", "%s %s: run the same command again to go on", url, text).Because(err)
}

// call makes one request and reads the whole answer. Wait is what the answer's
// Retry-After asks for.
func (r *run) call(ctx context.Context, method, path string, body []byte) (status int, wait time.Duration, reply []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(r.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return 0, 0, nil, err
	}
	request.SetBasicAuth(r.Key, "")
	request.Header.Set("Content-Type", "application/json")
	response, err := r.Client.Do(request)
	if err != nil {
		return 0, 0, nil, err
	}
	defer response.Body.Close()
	reply, err = io.ReadAll(io.LimitReader(response.Body, 16<<20))
	seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
	return response.StatusCode, time.Duration(seconds) * time.Second, reply, err
}

// settle waits until the local cloud has taken in what was sent. An API on AWS
// has no such route, and takes its time without us.
func (r *run) settle(ctx context.Context) error {
	if r.bare {
		return nil
	}
	status, _, reply, err := r.call(ctx, http.MethodPost, "/local/settle", nil)
	switch {
	case err != nil:
		return err
	case status == http.StatusOK:
		return nil
	case status == http.StatusNotFound:
		r.bare = true
		return nil
	}
	var a answer
	_ = json.Unmarshal(reply, &a) // without a message the code says enough
	return fault.New(fault.Unavailable, "not_settled", "the events are stored but not yet taken in: %s", a.Error.Message)
}

// meter is the part of GET /local/meter that tells what events cost.
type meter struct {
	Events struct {
		Count   int64
		Dollars float64
	}
}

// meter reads it; nil where there is none.
func (r *run) meter(ctx context.Context) *meter {
	status, _, reply, err := r.call(ctx, http.MethodGet, "/local/meter", nil)
	var m meter
	if err != nil || status != http.StatusOK || json.Unmarshal(reply, &m) != nil {
		return nil
	}
	return &m
}
