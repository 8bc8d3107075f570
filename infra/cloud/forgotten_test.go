package cloud_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"rapport/infra/cloud"
	"rapport/shared/event"
	"rapport/shared/people"
	"rapport/shared/table"
)

// Who is erased in TestNothingNamesTheErased, by every kind of identity; what they
// typed before they were known, and what they bought.
const (
	erasedUser   = "canary-user-5d1e"
	erasedBefore = "canary-before-88c2" // their id of long ago, which an alias joined
	erasedDevice = "canary-device-9c1b2d3e4f506172"
	erasedMail   = "canary-7f3a@example.com"
	erasedTyped  = "canary-typed@example.org"
	erasedCard   = "canary-card-4711"
	erasedName   = "Canary Castafiore"
	erasedTea    = "Canary Assam"
)

var erasedTexts = []string{erasedUser, erasedBefore, erasedDevice, erasedMail, erasedTyped, erasedCard, erasedName, erasedTea}

// kept is all that the table and the queues hold, opened, by where it lies.
func (s *stage) kept(db table.Table) map[string]string {
	s.t.Helper()
	s.settle()
	out := map[string]string{}
	for token := ""; ; {
		page, err := db.Scan(context.Background(), table.Segment{After: token})
		if err != nil {
			s.t.Fatal(err)
		}
		for _, item := range page.Items {
			text := string(item.Body)
			if len(item.Body) > 0 && item.Body[0] == 1 {
				r, err := people.DecodeRecord(&item)
				if err != nil {
					s.t.Fatal(err)
				}
				opened, _ := json.Marshal(r)
				text = string(opened)
			}
			out["table "+item.Key.Partition+" "+item.Key.Sort] = text + fmt.Sprint(item.Counters)
		}
		if token = page.Next; token == "" {
			break
		}
	}
	err := s.EachItem(func(bucket, key, value string) {
		if !strings.HasPrefix(bucket, "queues/") {
			return
		}
		if list, err := event.Unpack(value); err == nil && len(list) > 0 {
			opened, _ := json.Marshal(list)
			value = string(opened)
		}
		out[fmt.Sprintf("%s %q", bucket, key)] = value
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// naming lists where the text lies, and what is there.
func naming(kept map[string]string, text string) (at []string) {
	for where, what := range kept {
		if strings.Contains(where+what, text) {
			at = append(at, where+" "+what)
		}
	}
	return at
}

// breakable lets functions fail while theirs is set, and gives the table that all
// work on.
func breakable(c *cloud.Config, functions map[string]*atomic.Bool) (db *table.Table) {
	c.Functions, db = cloud.Functions(), new(table.Table)
	for name, broken := range functions {
		build := c.Functions[name]
		c.Functions[name] = func(env cloud.Env) (lambda.Handler, error) {
			*db = env.Table
			handler, err := build(env)
			return invoked(func(ctx context.Context, payload []byte) ([]byte, error) {
				if broken.Load() {
					return nil, errors.New("it is broken")
				}
				return handler.Invoke(ctx, payload)
			}), err
		}
	}
	return db
}

// tells lets another system tell something on the bus.
func (s *stage) tells(detail string) {
	s.t.Helper()
	entry, _ := json.Marshal(map[string]string{"EventBusName": "rapport-bus", "Source": "till", "DetailType": "Seen", "Detail": detail})
	r := post("/", `{"Entries":[`+string(entry)+`]}`)
	r.Header.Set("X-Amz-Target", "AWSEvents.PutEvents")
	response := s.ask(r)
	if body, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusOK || !strings.Contains(string(body), `"FailedEntryCount":0`) {
		s.t.Fatalf("the bus says %d %s", response.StatusCode, body)
	}
}

// A customer with every kind of identity, merged with an earlier one, bought,
// was written to and complained; others named them in vain: after a split, on a
// device that they share, with a number of theirs, without a proof. Then functions
// broke, and letters about all that lie dead. Once the customer is erased, nothing
// in the table and in no queue names them, and nothing that comes late does.
func TestNothingNamesTheErased(t *testing.T) {
	var broken, deaf atomic.Bool
	var db *table.Table
	s := shop(t, func(c *cloud.Config) {
		db = breakable(c, map[string]*atomic.Bool{
			"UnifyFunction": &broken, "SendFunction": &broken, "TallyFunction": &broken, "HearFunction": &deaf,
		})
	})
	deaf.Store(true)
	server := func(path, body string) { s.must(http.MethodPost, "/v1/"+path, "demo-secret", body) }
	browser := func(path, body string) { s.must(http.MethodPost, "/v1/"+path, "demo-write", body) }
	in := strings.NewReplacer("USER", erasedUser, "BEFORE", erasedBefore, "DEVICE", erasedDevice, "MAIL", erasedMail, "TYPED", erasedTyped,
		"CARD", erasedCard, "NAME", erasedName, "TEA", erasedTea).Replace
	others := func(id string) {
		server("identify", in(`{"messageId":"`+id+`1","userId":"survivor","anonymousId":"DEVICE","traits":{"name":"Somebody"}}`))
		server("alias", in(`{"messageId":"`+id+`2","userId":"survivor","previousId":"USER"}`))
		server("track", in(`{"messageId":"`+id+`3","userId":"survivor","event":"Order Completed","properties":{"order_id":"s1","revenue":5},
			"context":{"traits":{"email":"MAIL"},"externalIds":[{"type":"card","id":"CARD"}]}}`))
		browser("page", in(`{"messageId":"`+id+`4","anonymousId":"stranger-0123456789","userId":"USER","name":"Home"}`))
	}
	server("identify", `{"messageId":"s0","userId":"survivor","anonymousId":"survivor-0123456789","traits":{"name":"Somebody"}}`)
	browser("identify", in(`{"messageId":"v1","anonymousId":"DEVICE","traits":{"email":"TYPED"}}`))
	server("identify", in(`{"messageId":"v2","userId":"USER","anonymousId":"DEVICE","traits":{"email":"MAIL","name":"NAME"},
		"context":{"externalIds":[{"type":"card","id":"CARD"}]}}`))
	server("identify", in(`{"messageId":"v3","userId":"BEFORE"}`))
	server("alias", in(`{"messageId":"v4","userId":"USER","previousId":"BEFORE"}`))
	s.does(erasedUser, "v5", "Product Added", strings.Replace(assam, "Morning Assam", erasedTea, 1))
	s.pass(time.Hour + time.Minute)
	if got := s.outbox(); len(got) != 1 {
		t.Fatalf("%d mails", len(got))
	}
	s.does(erasedUser, "v6", "Order Completed", `{"order_id":"`+erasedUser+`-1","revenue":50}`)
	server("alias", in(`{"messageId":"v7","userId":"survivor","previousId":"USER"}`)) // a mistake
	s.settle()
	s.must(http.MethodPost, "/v1/people/userId:survivor/split", "demo-secret", "")
	others("x")
	s.settle()
	if kept := s.kept(*db); len(naming(kept, `"w":"userId:`+erasedUser)) == 0 {
		t.Error("nobody was kept apart from them: this proves too little")
	}

	s.pass(time.Minute) // the cart is filled after the order
	s.does(erasedUser, "v8", "Product Added", strings.Replace(assam, "Morning Assam", erasedTea, 1))
	s.pass(59 * time.Minute)
	broken.Store(true)
	others("y")
	for _, detail := range []string{
		`{"id":"USER"}`, `{"device":["DEVICE"]}`, `{"to":{"email":" MAIL"}}`, `{"ids":[{"type":"card","id":"CARD"}]}`, `{"id":"somebody else"}`,
	} {
		s.tells(in(detail))
	}
	server("identify", in(`{"messageId":"v9","userId":"USER","traits":{"name":"NAME"}}`))
	s.pass(12 * time.Hour)
	before := s.kept(*db)
	for _, text := range erasedTexts {
		if len(naming(before, text)) == 0 {
			t.Errorf("%s is nowhere before: this proves nothing", text)
		}
	}
	for _, queue := range []string{"IngestQueue", "MessagesQueue", "HearQueue"} {
		if len(s.queue(queue).Dead) == 0 {
			t.Errorf("no dead letters of %s: this proves too little", queue)
		}
	}

	s.must(http.MethodDelete, in("/v1/people/anonymousId:DEVICE"), "demo-secret", "")
	s.forgets(*db, "after the erasure")
	if dead := fmt.Sprint(s.queue("IngestQueue").Dead); !strings.Contains(dead, "somebody else") || !strings.Contains(dead, "survivor") {
		t.Errorf("dead letters of others went as well: %s", dead)
	}
	broken.Store(false)
	deaf.Store(false)
	others("z")
	browser("page", in(`{"messageId":"late","anonymousId":"DEVICE","name":"Home"}`))
	server("import", in(`{"batch":[{"type":"identify","messageId":"old","userId":"BEFORE","timestamp":"2025-01-01T00:00:00Z","traits":{"email":"MAIL"}}]}`))
	s.pass(3 * time.Hour)
	s.forgets(*db, "after what came late")
	for _, node := range []string{"userId:USER", "userId:BEFORE", "anonymousId:DEVICE", "email:MAIL", "external:card:CARD"} {
		if status, body := s.call(http.MethodGet, in("/v1/people/"+node), "demo-secret", ""); status != http.StatusNotFound {
			t.Errorf("%s: %d %s", node, status, body)
		}
	}
	if got := s.must(http.MethodGet, "/v1/people/userId:survivor/timeline", "demo-secret", ""); !strings.Contains(got, `"x3"`) || !strings.Contains(got, `"z3"`) {
		t.Errorf("the other customer lost events: %s", got)
	}
}

// forgets fails when anything names the erased.
func (s *stage) forgets(db table.Table, when string) {
	s.t.Helper()
	kept := s.kept(db)
	for _, text := range erasedTexts {
		for _, at := range naming(kept, text) {
			s.t.Errorf("%s: %s is in %s", when, text, at)
		}
	}
}
