package event_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rapport/shared/event"
	"rapport/shared/person"
)

// Each name beside the event's own is taken out by itself, and the event that was
// given stays as it was.
func TestWithout(t *testing.T) {
	full := func() event.Event {
		return event.Event{
			Type: event.Alias, UserID: "u1", AnonymousID: "device-1", PreviousID: "old", Claim: "u2", Email: "a@b.example",
			ExternalIDs: []string{"card:1", "order:7"},
			Context:     json.RawMessage(`{"externalIds":[{"id":"1","type":"card"}],"locale":"uk","traits":{"email":"a@b.example","plan":"pro"}}`),
		}
	}
	bare := json.RawMessage(`{"locale":"uk","traits":{"plan":"pro"}}`)
	for erased, change := range map[string]func(*event.Event){
		"userId:u1": nil, "userId:u2": nil, "userId:device-1": nil, "email:u2": nil, "anonymousId:u2": nil, "external:card:2": nil,
		"anonymousId:device-1": func(e *event.Event) { e.AnonymousID = "" },
		"userId:old":           func(e *event.Event) { e.PreviousID = "" },
		"anonymousId:old":      func(e *event.Event) { e.PreviousID = "" },
		"email:a@b.example":    func(e *event.Event) { e.Email, e.Context = "", bare },
		"external:card:1":      func(e *event.Event) { e.ExternalIDs, e.Context = []string{"order:7"}, bare },
	} {
		e, want := full(), full()
		if change != nil {
			change(&want)
		}
		got, found := e.Without(func(id person.NodeID) bool { return id.String() == erased })
		if diff := cmp.Diff(&want, got); diff != "" || found != (change != nil) {
			t.Errorf("%s, found %v: %s", erased, found, diff)
		}
		if diff := cmp.Diff(full(), e); diff != "" {
			t.Errorf("%s changed the event that was given: %s", erased, diff)
		}
	}
	own := event.Event{AnonymousID: "device-1", ExternalIDs: []string{"card:1"}}
	if got, found := own.Without(func(id person.NodeID) bool { return id.Value == "device-1" }); found || !slices.Equal(got.ExternalIDs, own.ExternalIDs) {
		t.Errorf("its own identity: %+v", got)
	}
}
