package publish_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rapport/infra/publish"
	"rapport/shared/event"
)

const goodSource = `zone: Europe/Kyiv
sources:
  courier:
    from: com.example.courier*
    detail_type: [Delivered, Delayed]
    accounts: "111122223333"
    event_at: status
    events: {DONE: Order Delivered}
    message_id: no
    timestamp: at
    email: customer.email
    external: {order: order_no}
    properties: {order_id: order_no, cost: price}
    numbers: cost
  people:
    type: identify
    user_id: id
    traits: {firstName: name}
`

func TestGoodSource(t *testing.T) {
	doc, problems := publish.Load(write(t, map[string]string{"s.yaml": goodSource}))
	want := []event.Source{
		{
			ID: "courier", From: "com.example.courier*", Details: []string{"Delivered", "Delayed"}, Accounts: []string{"111122223333"},
			EventAt: "status", Events: map[string]string{"DONE": "Order Delivered"}, MessageID: "no", Timestamp: "at", Email: "customer.email",
			External: map[string]string{"order": "order_no"}, Properties: map[string]string{"order_id": "order_no", "cost": "price"}, Numbers: []string{"cost"},
		},
		{ID: "people", Type: event.Identify, UserID: "id", Traits: map[string]string{"firstName": "name"}},
	}
	if diff := cmp.Diff(want, doc.Sources); diff != "" || len(problems) > 0 {
		t.Errorf("%s%s", texts(problems), diff)
	}
}

// sourceChanges are edits of the good source, as in changes.
var sourceChanges = []struct {
	name, old, new string
	want           string
	structural     bool
}{
	{"unknown key", "    email:", "    emial:", `s.yaml:11:5: the source courier has no key "emial"; did you mean "email"?`, true},
	{"nobody", "    user_id: id\n", "", `s.yaml:16:5: the source people says nobody's: give user_id, anonymous_id, email or external`, true},
	{"our own source", "from: com.example.courier*", "from: rapport", `s.yaml:4:11: from of the source courier cannot be "rapport": name the systems that send, and neither Rapport nor AWS`, false},
	{"AWS", "from: com.example.courier*", "from: aws.s3", `s.yaml:4:11: from of the source courier cannot be "aws.s3": name the systems that send, and neither Rapport nor AWS`, false},
	{"detail_type without from", "    from: com.example.courier*\n", "", "s.yaml:4:18: detail_type of the source courier is about events on the bus: give from as well\n" +
		"s.yaml:5:15: accounts of the source courier is about events on the bus: give from as well", true},
	{"a number for an account", `"111122223333"`, "111122223333", `s.yaml:6:15: accounts of the source courier must be text, not a number`, true},
	{"a short account", `"111122223333"`, `"1111"`, `s.yaml:6:15: accounts of the source courier are AWS account ids of 12 digits in quotes, unlike "1111"`, true},
	{"bad type", "type: identify", "type: identity", `s.yaml:16:11: type of the source people cannot be "identity"; did you mean "identify"?` + "\n" +
		"s.yaml:18:13: traits of the source people need type: identify", true},
	{"traits of a track", "    type: identify\n", "", "s.yaml:16:5: the source people reads files, which have no detail-type: give event or event_at\n" +
		"s.yaml:17:13: traits of the source people need type: identify", false},
	{"two names", "    event_at: status\n", "    event_at: status\n    event: Order Delivered\n", `s.yaml:7:15: the source courier has event and event_at: keep one`, false},
	{"external without kinds", "{order: order_no}", "order_no", `s.yaml:12:15: external of the source courier must be 1 to 100 names, each with a text`, true},
	{"a kind in capitals", "{order: order_no}", "{Order No: order_no}", `s.yaml:12:15: "Order No" in external of the source courier must be an id of a-z, 0-9, _ and -, at most 64 characters`, true},
	{"a number that is no property", "numbers: cost", "numbers: costs", `s.yaml:14:14: numbers of the source courier names "costs", which is none of its properties`, false},
	{"a property from a number", "cost: price", "cost: 5", `s.yaml:13:44: cost of properties of the source courier must be text, not a number`, true},
	{"a misspelt event", "Order Delivered", "Order Complete", `warning s.yaml:8:20: the source courier names the event "Order Complete"; did you mean "Order Completed", as the Segment spec has it?`, false},
	{"an event of their own", "Order Delivered", "Parcel Handed Over", "", true},
}

func TestSourceProblems(t *testing.T) {
	for _, c := range sourceChanges {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(goodSource, c.old) {
				t.Fatalf("the good source has no %q", c.old)
			}
			_, problems := publish.Load(write(t, map[string]string{"s.yaml": strings.Replace(goodSource, c.old, c.new, 1)}))
			if got := texts(problems); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}
