package message_test

import (
	"strings"
	"testing"
	"time"

	"rapport/shared/message"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const (
	lease  = time.Minute
	during = 30 * time.Second
	after  = lease
)

// moves are all there are, with who makes them (a has the ledger, b has not) and
// when: while the lease runs, or once it is over.
var moves = []struct {
	name string
	make func(l *message.Ledger) error
}{
	{"claim a during", func(l *message.Ledger) error { return l.Claim("a", noon.Add(during), lease) }},
	{"claim b during", func(l *message.Ledger) error { return l.Claim("b", noon.Add(during), lease) }},
	{"claim b after", func(l *message.Ledger) error { return l.Claim("b", noon.Add(after), lease) }},
	{"begin a", func(l *message.Ledger) error { return l.Begin("a", noon.Add(during), lease) }},
	{"begin b", func(l *message.Ledger) error { return l.Begin("b", noon.Add(after), lease) }},
	{"send", func(l *message.Ledger) error { return l.Send("m1", noon.Add(during)) }},
	{"skip a", func(l *message.Ledger) error { return l.Skip("a", "goal", "", noon.Add(during)) }},
	{"skip b", func(l *message.Ledger) error { return l.Skip("b", "goal", "", noon.Add(after)) }},
	{"put off a", func(l *message.Ledger) error { return l.PutOff("a", putOff, nil, noon.Add(during)) }},
	{"put off b", func(l *message.Ledger) error { return l.PutOff("b", putOff, nil, noon.Add(after)) }},
	{"back off a", func(l *message.Ledger) error { return l.BackOff("a", "throttled", noon.Add(during), noon.Add(after)) }},
	{"back off b", func(l *message.Ledger) error { return l.BackOff("b", "throttled", noon.Add(after), noon.Add(after)) }},
	{"reject a", func(l *message.Ledger) error { return l.Reject("a", "bad", "", noon.Add(during)) }},
	{"reject b", func(l *message.Ledger) error { return l.Reject("b", "bad", "", noon.Add(after)) }},
	{"doubt a during", func(l *message.Ledger) error { return l.Doubt("a", noon.Add(during)) }},
	{"doubt b during", func(l *message.Ledger) error { return l.Doubt("b", noon.Add(during)) }},
	{"doubt b after", func(l *message.Ledger) error { return l.Doubt("b", noon.Add(after)) }},
	{"settle", func(l *message.Ledger) error { l.Settle(message.Delivered, "m1", noon.Add(during)); return nil }},
}

var putOff = &message.Pause{Reason: message.QuietHours, Detail: "at night", Until: noon.Add(time.Hour), Ends: noon.Add(2 * time.Hour)}

// Each line is a state, how often the message was handed over before, and the
// moves that are legal from it with the state they lead to; all others are not.
// The first block is of what may go out at most once, the second of what must
// not get lost.
const legal = `
at_most_once
new      0: claim a during>claimed, claim b during>claimed, claim b after>claimed
claimed  0: claim b after>claimed, begin a>sending, skip a>skipped, put off a>deferred, back off a>deferred
sending  1: send>sent, back off a>deferred, reject a>rejected, doubt a during>unknown, doubt b after>unknown, settle>sent
deferred 0: claim b after>claimed
unknown  1: send>sent, settle>sent
sent     1: send>sent, settle>sent
skipped  0:
rejected 0:

at_least_once
new      0: claim a during>claimed, claim b during>claimed, claim b after>claimed
claimed  0: claim b after>claimed, begin a>sending, skip a>skipped, put off a>deferred, back off a>deferred
claimed  1: claim b after>claimed, begin a>sending, send>sent, skip a>unknown, put off a>deferred, back off a>deferred, settle>sent
sending  1: claim b after>claimed, send>sent, back off a>deferred, reject a>rejected, doubt a during>unknown, doubt b after>unknown, settle>sent
sending  2: claim b after>claimed, send>sent, back off a>deferred, reject a>unknown, doubt a during>unknown, doubt b after>unknown, settle>sent
deferred 0: claim b after>claimed
deferred 1: claim b after>claimed, send>sent, settle>sent
unknown  1: claim a during>claimed, claim b during>claimed, claim b after>claimed, send>sent, settle>sent
ended    1: send>sent, settle>sent
sent     1: send>sent, settle>sent
skipped  0:
rejected 0:
`

func ledgerIn(g message.Guarantee, state string, tries int) *message.Ledger {
	l := message.Open(&message.Message{ID: "n_1", Node: "n", Journey: "cart", Template: "reminder", Due: noon}, g)
	if state == "new" {
		return l
	}
	l.State, l.Since, l.Tries, l.Owner = message.State(state), noon, tries, "a"
	if state == "ended" { // unknown, and a later try found that it must not go out
		l.State, l.Reason = message.Unknown, "goal"
	}
	switch l.State {
	case message.Claimed, message.Sending, message.Deferred:
		l.Until = noon.Add(lease)
	}
	return l
}

func TestMovesAndWhatTheyAreLegalFrom(t *testing.T) {
	var guarantee message.Guarantee
	for line := range strings.Lines(legal) {
		line = strings.TrimSpace(line)
		before, rest, isState := strings.Cut(line, ":")
		if !isState {
			guarantee = message.Guarantee(line)
			continue
		}
		fields := strings.Fields(before)
		state, tries := fields[0], int(fields[1][0]-'0')
		want := map[string]string{}
		for move := range strings.SplitSeq(rest, ",") {
			name, to, _ := strings.Cut(strings.TrimSpace(move), ">")
			want[name] = to
		}
		for _, m := range moves {
			l := ledgerIn(guarantee, state, tries)
			had := *l
			err := m.make(l)
			to, ok := want[m.name]
			switch {
			case ok && (err != nil || string(l.State) != to):
				t.Errorf("%s, %s after %d: %s leads to %q, %v; want %s", guarantee, state, tries, m.name, l.State, err, to)
			case !ok && m.name == "settle": // said of what was never handed over

				if l.State != had.State || l.Facts[message.Delivered].IsZero() {
					t.Errorf("%s, %s: a fact about what was never handed over makes it %s, facts %v", guarantee, state, l.State, l.Facts)
				}
			case !ok && (err == nil || l.State != had.State || l.Tries != had.Tries || l.Until != had.Until || l.Owner != had.Owner):
				t.Errorf("%s, %s after %d: %s is not legal, and gave %q, %v", guarantee, state, tries, m.name, l.State, err)
			}
		}
	}
}

func TestTriesCountOnlyWhatMayBeOut(t *testing.T) {
	l := ledgerIn(message.AtLeastOnce, "new", 0)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	steps := []struct {
		make  func() error
		tries int
		done  bool
	}{
		{func() error { return l.Claim("a", noon, lease) }, 0, false},
		{func() error { return l.Begin("a", noon, lease) }, 1, false},
		{func() error { return l.BackOff("a", "throttled", noon, noon) }, 0, false},
		{func() error { return l.Claim("b", noon, lease) }, 0, false},
		{func() error { return l.Begin("b", noon, lease) }, 1, false},
		{func() error { return l.Doubt("b", noon) }, 1, false},
		{func() error { return l.Claim("c", noon, lease) }, 1, false},
		{func() error { return l.Begin("c", noon, lease) }, 2, false},
		{func() error { return l.Reject("c", "bad", "no such domain", noon) }, 1, true},
		{func() error { return l.Send("m9", noon) }, 1, true},
	}
	for i, s := range steps {
		must(s.make())
		if l.Tries != s.tries || l.Done() != s.done {
			t.Errorf("after step %d: %d tries, done %v; want %d, %v", i, l.Tries, l.Done(), s.tries, s.done)
		}
	}
	if ended := ledgerIn(message.AtLeastOnce, "ended", 1); !ended.Done() {
		t.Error("what must not go out any more is tried again")
	}
	if l.Doubted != noon || l.Since != noon || l.Reason != "" || l.Detail != "" || !l.Until.IsZero() {
		t.Errorf("a sent message still says %+v", l)
	}
}

func TestUnknownIsDoneOnlyForAtMostOnce(t *testing.T) {
	for g, want := range map[message.Guarantee]bool{message.AtMostOnce: true, message.AtLeastOnce: false, "": true} {
		if got := ledgerIn(g, "unknown", 1).Done(); got != want {
			t.Errorf("unknown under %q is done: %v", g, got)
		}
	}
}

func TestDetailIsBounded(t *testing.T) {
	l := ledgerIn(message.AtMostOnce, "claimed", 0)
	if err := l.Skip("a", "render_abort", strings.Repeat("x", 5000), noon); err != nil || len(l.Detail) != 300 {
		t.Errorf("%d bytes of detail, %v", len(l.Detail), err)
	}
}

// A ledger waits only for what a timer ends, and keeps the content until nothing
// can come of the message any more.
func TestWhatWaits(t *testing.T) {
	content := []byte(`{"items":[]}`)
	l := ledgerIn(message.AtLeastOnce, "claimed", 0)
	if err := l.PutOff("a", putOff, content, noon); err != nil || !l.Waits() || !l.Until.Equal(putOff.Until) || l.Detail != "at night" || l.Done() {
		t.Fatalf("%+v, %v", l, err)
	}
	throttled := ledgerIn(message.AtMostOnce, "sending", 1)
	if err := throttled.BackOff("a", "throttled", noon, noon.Add(time.Hour)); err != nil || throttled.Waits() {
		t.Errorf("a throttled message waits for a timer: %v", err)
	}
	again := &message.Pause{Reason: message.Capped, Until: noon.Add(90 * time.Minute)}
	for _, step := range []func() error{
		func() error { return l.Claim("b", noon.Add(time.Hour), lease) },
		func() error { return l.PutOff("b", again, l.Content, noon.Add(time.Hour)) },
		func() error { return l.Claim("c", noon.Add(2*time.Hour), lease) },
		func() error { return l.Begin("c", noon.Add(2*time.Hour), lease) },
		func() error { return l.Doubt("c", noon.Add(2*time.Hour)) },
	} {
		if err := step(); err != nil || string(l.Content) != string(content) || l.Waited != noon || l.WaitedFor != message.QuietHours {
			t.Fatalf("%+v, %v", l, err)
		}
	}
	if err := l.Send("m1", noon.Add(3*time.Hour)); err != nil || l.Content != nil {
		t.Errorf("a sent message keeps %s, %v", l.Content, err)
	}
}

// Erased, a message that waits ends: nothing brings it back. Others end by
// themselves.
func TestErasureEndsWhatWaits(t *testing.T) {
	l := ledgerIn(message.AtMostOnce, "claimed", 0)
	if err := l.PutOff("a", putOff, []byte("{}"), noon); err != nil {
		t.Fatal(err)
	}
	if useless := l.Forget(noon); useless || l.State != message.Skipped || l.Reason != message.Erased || l.Content != nil || !l.Erased {
		t.Errorf("%+v", l)
	}
	claimed := ledgerIn(message.AtMostOnce, "claimed", 0)
	if claimed.Forget(noon); claimed.State != message.Claimed {
		t.Errorf("%+v", claimed)
	}
}
