package dynamo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport/shared/aws/dynamo"
	"rapport/shared/fault"
	"rapport/shared/table"
)

var (
	noon  = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	later = noon.Add(time.Hour)
	key   = table.Key{Partition: "p", Sort: "s"}
	other = table.Key{Partition: "p", Sort: "t"}
	one   = map[string]int64{"n": 1}
)

// reply is what the script says to one request.
type reply struct {
	status int
	body   string
	err    error // instead of an answer
}

func ok(body string) reply { return reply{status: http.StatusOK, body: body} }

func refusal(code, more string) reply {
	return reply{status: http.StatusBadRequest, body: fmt.Sprintf(`{"__type":"com.amazonaws.dynamodb.v20120810#%s"%s}`, code, more)}
}

// stopped is a cancelled transaction with one reason a write.
func stopped(reasons ...string) reply {
	return refusal("TransactionCanceledException", `,"CancellationReasons":[`+strings.Join(reasons, ",")+`]`)
}

func reason(code string) string { return `{"Code":"` + code + `"}` }

// met is the reason that a condition met an item.
func met(item string) string { return `{"Code":"ConditionalCheckFailed","Item":` + item + `}` }

func unheld(item string) reply {
	return refusal("ConditionalCheckFailedException", `,"Item":`+item)
}

// item is an item as DynamoDB words it.
func item(k table.Key, version int, owner, more string) string {
	return fmt.Sprintf(`{"pk":{"S":%q},"sk":{"S":%q},"v":{"N":"%d"},"o":{"S":%q}%s}`, k.Partition, k.Sort, version, owner, more)
}

func expires(at time.Time) string { return fmt.Sprintf(`,"expires":{"N":"%d"}`, at.Unix()) }

var (
	lost  = reply{err: errReplyLost}
	cut   = ok(`{"ConsumedCapacity":`) // the answer breaks off
	down  = reply{status: http.StatusInternalServerError, body: `{"__type":"InternalServerError"}`}
	slow  = refusal("ProvisionedThroughputExceededException", "")
	rate  = refusal("ThrottlingException", "")
	busy  = refusal("TransactionConflictException", "")
	gone  = refusal("ResourceNotFoundException", "")
	done  = ok("{}")
	empty = "{}"
)

// script answers requests one after the other; the last reply stays.
type script struct {
	replies []reply
	calls   []string // "PutItem", …
	bodies  []string
	waits   []time.Duration
}

// Do implements aws.HTTPClient.
func (s *script) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	_, call, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	s.calls, s.bodies = append(s.calls, call), append(s.bodies, string(body))
	next := s.replies[min(len(s.calls), len(s.replies))-1]
	if next.err != nil {
		return nil, next.err
	}
	return &http.Response{StatusCode: next.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(next.body)), Request: r}, nil
}

// table returns a table that talks to the script, at noon.
func (s *script) table() *dynamo.Table {
	cfg := config()
	cfg.HTTPClient = s
	return dynamo.New(dynamo.NewClient(cfg, "http://dynamodb.test"), "rapport", func() time.Time { return noon },
		dynamo.WithSleep(func(ctx context.Context, d time.Duration) error {
			s.waits = append(s.waits, d)
			return ctx.Err()
		}))
}

func wantFault(t *testing.T, err error, kind fault.Kind, code string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != kind || f.Code != code {
		t.Errorf("error is %v, want %v %s", err, kind, code)
	}
}

func TestCommitUnderFaults(t *testing.T) {
	never := time.Time{}
	put := []table.Write{table.Put(key, []byte("b"), never, table.Absent())}
	add := []table.Write{table.Add(key, one, never, table.Condition{})}
	brief := []table.Write{table.Add(key, one, later, table.Condition{})}
	del := []table.Write{table.Delete(key, table.VersionIs(3))}
	two := []table.Write{table.Put(key, []byte("b"), never, table.Absent()), table.Add(other, one, never, table.Condition{})}
	look := []table.Write{table.Check(key, table.VersionIs(3))}
	mine, theirs := item(key, 1, "me", ""), item(key, 1, "you", "")
	old := item(key, 4, "you", expires(noon))

	cases := []struct {
		name    string
		writes  []table.Write
		replies []reply
		want    string // "" is success, else a fault's code or a conflict's text
		calls   string
	}{
		{"put whose reply is lost", put, []reply{lost, unheld(mine)}, "", "PutItem PutItem"},
		{"put whose reply is cut", put, []reply{cut, unheld(mine)}, "", "PutItem PutItem"},
		{"add whose reply is lost", add, []reply{lost, unheld(mine)}, "", "UpdateItem UpdateItem"},
		{"delete whose reply is lost", del, []reply{lost, done}, "", "DeleteItem DeleteItem"},
		{"transaction whose reply is lost", two, []reply{lost, done}, "", "TransactWriteItems TransactWriteItems"},
		{"transaction whose reply and token are lost", two, []reply{lost, stopped(reason("None"), met(item(other, 1, "me", "")))}, "", "TransactWriteItems TransactWriteItems"},
		{"put that somebody else was faster with", put, []reply{lost, unheld(theirs)}, "commit refused: write 0: exists", "PutItem PutItem"},
		{"own put that has expired", put, []reply{unheld(item(key, 1, "me", expires(noon))), done}, "", "PutItem PutItem"},
		{"read whose reply is lost", look, []reply{lost, ok(`{"Item":` + item(key, 3, "you", "") + `}`)}, "", "GetItem GetItem"},
		{"check that does not hold", look, []reply{ok(empty)}, "commit refused: write 0: missing", "GetItem"},

		{"server errors", put, []reply{down, down, done}, "", "PutItem PutItem PutItem"},
		{"throttles", put, []reply{slow, rate, done}, "", "PutItem PutItem PutItem"},
		{"no end of throttles", put, []reply{slow}, "table_unavailable", strings.Repeat("PutItem ", 8)},
		{"no table", put, []reply{gone}, "table_refused", "PutItem"},
		{"an item that is not ours", put, []reply{unheld(`{"pk":{"S":"p"},"sk":{"S":"s"}}`)}, "item_unreadable", "PutItem"},
		{"a counter that is too large", put, []reply{unheld(item(key, 1, "you", `,"c_n":{"N":"9223372036854775808"}`))}, "item_unreadable", "PutItem"},

		{"item held by a transaction", put, []reply{busy, done}, "", "PutItem PutItem"},
		{"item held for ever", put, []reply{busy}, "commit refused: write 0: busy", strings.Repeat("PutItem ", 8)},
		{"items held by a transaction", two, []reply{stopped(reason("TransactionConflict"), reason("None")), done}, "", "TransactWriteItems TransactWriteItems"},
		{"items held for ever", two, []reply{stopped(reason("None"), reason("TransactionConflict"))}, "commit refused: write 1: busy", strings.Repeat("TransactWriteItems ", 8)},
		{"transaction throttled", two, []reply{stopped(reason("ThrottlingError"), reason("None")), stopped(reason("None"), reason("ProvisionedThroughputExceeded")), done}, "", strings.Repeat("TransactWriteItems ", 3)},
		{"transaction throttled for ever", two, []reply{stopped(reason("ThrottlingError"), reason("None"))}, "table_unavailable", strings.Repeat("TransactWriteItems ", 8)},
		{"transaction in progress", two, []reply{refusal("TransactionInProgressException", ""), done}, "", "TransactWriteItems TransactWriteItems"},
		{"transaction refused", two, []reply{stopped(reason("None"), reason("ValidationError"))}, "table_refused", "TransactWriteItems"},
		{"conditions that do not hold", two, []reply{stopped(met(theirs), reason("None"))}, "commit refused: write 0: exists", "TransactWriteItems"},
		{
			"condition that does not hold beside an item that is held", two,
			[]reply{stopped(met(theirs), reason("TransactionConflict")), stopped(met(theirs), met(item(other, 1, "me", "")))},
			"", "TransactWriteItems TransactWriteItems",
		},
		{"held for ever beside a condition", two, []reply{stopped(met(theirs), reason("TransactionConflict"))}, "commit refused: write 0: exists, write 1: busy", strings.Repeat("TransactWriteItems ", 8)},
		{"reasons that are missing", two, []reply{stopped(reason("None"))}, "table_refused", "TransactWriteItems"},

		{"add to nothing, with an expiry", brief, []reply{unheld("null"), done}, "", "UpdateItem PutItem"},
		{"add to what has expired", add, []reply{unheld(old), done}, "", "UpdateItem PutItem"},
		{"add to what keeps changing", brief, []reply{unheld("null"), unheld(theirs), unheld("null"), done}, "", "UpdateItem PutItem UpdateItem PutItem"},
		{"adds to what has expired, in a transaction", two, []reply{stopped(reason("None"), met(item(other, 4, "you", expires(noon)))), done}, "", "TransactWriteItems TransactWriteItems"},
		{"add over the range", add, []reply{unheld(item(key, 1, "you", `,"c_n":{"N":"9223372036854775807"}`))}, "counter_overflow", "UpdateItem"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := &script{replies: c.replies}
			err := s.table().Commit(t.Context(), "me", c.writes...)
			var got string
			var f *fault.Error
			switch conflict := table.AsConflict(err); {
			case errors.As(err, &f):
				got = f.Code
			case conflict != nil:
				got = conflict.Error()
			case err != nil:
				t.Fatalf("%v is no fault", err)
			}
			if got != c.want {
				t.Errorf("commit answers %q (%v), want %q", got, err, c.want)
			}
			if calls := strings.Join(s.calls, " "); calls != strings.TrimSpace(c.calls) {
				t.Errorf("calls %q, want %q", calls, c.calls)
			}
		})
	}
}

// token is what makes DynamoDB apply a transaction once.
func token(t *testing.T, body string) string {
	t.Helper()
	var in struct{ ClientRequestToken string }
	if err := json.Unmarshal([]byte(body), &in); err != nil {
		t.Fatal(err)
	}
	return in.ClientRequestToken
}

// A request that is repeated after a lost reply is the same, token and all. One that is made anew has another token.
func TestToken(t *testing.T) {
	s := &script{replies: []reply{lost, stopped(reason("TransactionConflict"), reason("None")), done}}
	writes := []table.Write{table.Put(key, nil, time.Time{}, table.Absent()), table.Delete(other, table.Condition{})}
	if err := s.table().Commit(t.Context(), "me", writes...); err != nil || len(s.bodies) != 3 {
		t.Fatalf("%d requests: %v", len(s.bodies), err)
	}
	if diff := cmp.Diff(decoded([]byte(s.bodies[0])), decoded([]byte(s.bodies[1]))); diff != "" {
		t.Errorf("the repeated request differs (-first +second):\n%s", diff)
	}
	first, last := token(t, s.bodies[0]), token(t, s.bodies[2])
	if first == "" || len(first) > 36 || first == last {
		t.Errorf("tokens %q and %q, want two different ones of at most 36 bytes", first, last)
	}
}

func TestWaitsGrowAndEnd(t *testing.T) {
	s := &script{replies: []reply{slow}}
	_, err := s.table().Get(t.Context(), key)
	wantFault(t, err, fault.Unavailable, "table_unavailable")
	var want []time.Duration
	for i := range 7 {
		want = append(want, 25*time.Millisecond<<i)
	}
	if !slices.Equal(s.waits, want) {
		t.Errorf("waits %v, want %v", s.waits, want)
	}
}

// A wrong guess about an item is mended at once. When it is wrong again,
// somebody else is at the item, and waiting helps.
func TestGuesses(t *testing.T) {
	s := &script{replies: []reply{unheld("null"), unheld(item(key, 1, "you", "")), unheld("null"), done}}
	if err := s.table().Commit(t.Context(), "me", table.Add(key, one, later, table.Condition{})); err != nil {
		t.Fatal(err)
	}
	if want := []time.Duration{25 * time.Millisecond, 50 * time.Millisecond}; !slices.Equal(s.waits, want) {
		t.Errorf("waits %v, want %v", s.waits, want)
	}
}

// DynamoDB bills a refused write by the larger of both items, twice in a
// transaction, without saying so.
func TestUsageOfRefusedCommits(t *testing.T) {
	large := item(key, 1, "you", `,"b":{"B":"`+strings.Repeat("AAAA", 1000)+`"}`) // 3,000 bytes
	body := make([]byte, 1500)
	put, add := table.Put(key, body, time.Time{}, table.Absent()), table.Put(other, body, time.Time{}, table.Absent())
	cases := []struct {
		name   string
		writes []table.Write
		reply  reply
		want   table.Usage
	}{
		{"one", []table.Write{put}, unheld(large), table.Usage{Call: "Commit", Items: 1, Writes: 3}},
		{"one that is smaller", []table.Write{put}, unheld(item(key, 1, "you", "")), table.Usage{Call: "Commit", Items: 1, Writes: 2}},
		{"own success", []table.Write{put}, unheld(item(key, 1, "me", "")), table.Usage{Call: "Commit", Items: 1, Writes: 2}},
		{"several", []table.Write{put, add}, stopped(met(large), reason("None")), table.Usage{Call: "Commit", Items: 2, Writes: 2 * (3 + 2)}},
		{"applied", []table.Write{put}, ok(`{"ConsumedCapacity":{"CapacityUnits":7}}`), table.Usage{Call: "Commit", Items: 1, Writes: 7}},
		{"all applied", []table.Write{put, add}, ok(`{"ConsumedCapacity":[{"CapacityUnits":8}]}`), table.Usage{Call: "Commit", Items: 2, Writes: 8}},
		{"check", []table.Write{table.Check(key, table.Absent())}, ok(`{"Item":` + large + `,"ConsumedCapacity":{"CapacityUnits":1}}`), table.Usage{Call: "Commit", Items: 1, Reads: 1}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got table.Usage
			s := &script{replies: []reply{c.reply}}
			err := s.table().Commit(table.WithMeter(t.Context(), func(u table.Usage) { got = u }), "me", c.writes...)
			if err != nil && table.AsConflict(err) == nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("usage %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestCallerThatGivesUp(t *testing.T) {
	for name, r := range map[string]reply{"between attempts": busy, "in an attempt": {err: context.Canceled}} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			s := &script{replies: []reply{r}}
			err := s.table().Commit(ctx, "me", table.Put(key, nil, time.Time{}, table.Absent()))
			wantFault(t, err, fault.Unavailable, "cancelled")
			if len(s.calls) > 1 {
				t.Errorf("%d attempts after the caller gave up", len(s.calls))
			}
		})
	}
}

// The SDK's body must show no WriteTo to net/http: see plainBody.
func TestBodyHidesWriteTo(t *testing.T) {
	s := &script{replies: []reply{done}}
	var writerTo, called bool
	cfg := config()
	cfg.HTTPClient = doer(func(r *http.Request) (*http.Response, error) {
		_, writerTo = r.Body.(io.WriterTo)
		called = true
		return s.Do(r)
	})
	db := dynamo.New(dynamo.NewClient(cfg, "http://dynamodb.test"), "rapport", time.Now)
	if err := db.Commit(t.Context(), "me", table.Add(key, one, time.Time{}, table.Condition{})); err != nil {
		t.Fatal(err)
	}
	if !called || writerTo {
		t.Errorf("called %v, and the body has WriteTo: %v", called, writerTo)
	}
	if !bytes.Contains([]byte(s.bodies[0]), []byte(`"UpdateExpression"`)) {
		t.Errorf("body %q", s.bodies[0])
	}
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }
