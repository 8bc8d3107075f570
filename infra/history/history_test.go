package history_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rapport/infra/history"
	"rapport/shared/fault"
)

func upTo(n int) []int {
	var out []int
	for i := range n {
		out = append(out, i+1)
	}
	return out
}

func TestEveryEventArrivesInOrder(t *testing.T) {
	const n = 1203
	for name, text := range map[string]string{
		"plain":       write(n, nil),
		"no last end": strings.TrimSuffix(write(n, nil), "\n"),
		"windows":     "\ufeff" + strings.ReplaceAll(write(n, nil), "\n", "\r\n"),
		"blank lines": strings.ReplaceAll(write(n, nil), "\n", "\n\n"),
		"gzip":        zip(write(n, nil)),
		"two gzips":   zip(write(n, nil)[:600]) + zip(write(n, nil)[600:]),
	} {
		t.Run(name, func(t *testing.T) {
			c := &collect{}
			s, err := history.Import(t.Context(), strings.NewReader(text), serve(t, c))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(upTo(n), c.accepted); diff != "" {
				t.Error(diff)
			}
			if s.Events != n || s.Accepted != n || s.Unreadable != 0 || len(s.Rejected) != 0 {
				t.Errorf("%+v", s)
			}
			if want := []int{500, 500, 203}; !slices.Equal(c.batches, want) {
				t.Errorf("batches %v, want %v", c.batches, want)
			}
		})
	}
}

func TestRequestsStaySmall(t *testing.T) {
	c := &collect{}
	text := write(15, func(e *sent) { e.Fill = strings.Repeat("x", 200<<10) })
	if _, err := history.Import(t.Context(), strings.NewReader(text), serve(t, c)); err != nil {
		t.Fatal(err)
	}
	if c.largest > history.BatchBytes || c.largest < history.BatchBytes/4 {
		t.Errorf("the largest request has %d bytes", c.largest)
	}
}

func TestVerdictsNameLines(t *testing.T) {
	c := &collect{}
	text := "\n" + write(1, nil) + "not json\n" + `{"n":9,"reject":"bad_id"}` + "\n[1]\n" + `{"off":true}` + "\n" +
		`{"n":10,"reject":"bad_id"}` + "\n" + strings.Repeat("y", 1<<20+1) + "\n" + write(1, nil)
	s, err := history.Import(t.Context(), strings.NewReader(text), serve(t, c))
	if err != nil {
		t.Fatal(err)
	}
	if want := (map[string]*history.Verdict{"bad_id": {Count: 2, Message: "no: bad_id", Lines: []int{4, 7}}}); !cmp.Equal(s.Rejected, want) {
		t.Error(cmp.Diff(want, s.Rejected))
	}
	if want := (map[string]*history.Verdict{"integration_off": {Count: 1, Message: "off", Lines: []int{6}}}); !cmp.Equal(s.Declined, want) {
		t.Error(cmp.Diff(want, s.Declined))
	}
	var lines []int
	for _, p := range s.Problems {
		lines = append(lines, p.Line)
	}
	if len(s.Problems) != 3 || !strings.Contains(s.Problems[2].Message, "over 1 MB") {
		t.Errorf("%+v", s.Problems)
	}
	if !slices.Equal(lines, []int{3, 5, 8}) || s.Unreadable != 3 || s.Lines != 9 || s.Accepted != 2 {
		t.Errorf("lines %v of %+v", lines, s)
	}
}

// TestPoison: collect refuses a request as a whole for one event that it cannot
// even take apart; only that event may be lost.
func TestPoison(t *testing.T) {
	c := &collect{}
	text := write(100, func(e *sent) { e.Poison = e.N == 37 || e.N == 38 })
	s, err := history.Import(t.Context(), strings.NewReader(text), serve(t, c))
	if err != nil {
		t.Fatal(err)
	}
	want := slices.DeleteFunc(upTo(100), func(n int) bool { return n == 37 || n == 38 })
	if !slices.Equal(c.accepted, want) {
		t.Errorf("arrived: %v", c.accepted)
	}
	if v := s.Rejected["bad_json"]; v == nil || !slices.Equal(v.Lines, []int{37, 38}) || s.Accepted != 98 {
		t.Errorf("%+v", s)
	}
}

func TestPostponedRequestsAreRepeated(t *testing.T) {
	c := &collect{}
	answers := []int{503, 429, 500, 0}
	c.refuse = func() int { a := answers[0]; answers = answers[1:]; return a }
	s, err := history.Import(t.Context(), strings.NewReader(write(3, nil)), serve(t, c))
	if err != nil || s.Accepted != 3 || !slices.Equal(c.accepted, upTo(3)) {
		t.Errorf("%v %+v", err, s)
	}
	if len(c.pauses) != 3 || c.pauses[0].Seconds() != 7 {
		t.Errorf("pauses %v, want Retry-After honoured", c.pauses)
	}
}

func TestFatalAnswers(t *testing.T) {
	for status, want := range map[int]fault.Kind{
		http.StatusUnauthorized:       fault.Unauthenticated,
		http.StatusForbidden:          fault.Forbidden,
		http.StatusNotFound:           fault.Unavailable,
		http.StatusServiceUnavailable: fault.Unavailable,
	} {
		c := &collect{refuse: func() int { return status }}
		_, err := history.Import(t.Context(), strings.NewReader(write(3, nil)), serve(t, c))
		if err == nil || fault.KindOf(err) != want {
			t.Errorf("status %d: %v, want kind %v", status, err, want)
		}
	}
}

// TestInterruptedRunGoesOn: whatever the request at which collect went away, the
// second run sends the rest and its summary is that of an undisturbed one.
func TestInterruptedRunGoesOn(t *testing.T) {
	text := "oops\n" + write(1700, func(e *sent) {
		if e.N%100 == 0 {
			e.Reject = "bad_id"
		}
	})
	calm := &collect{}
	want, err := history.Import(t.Context(), strings.NewReader(text), serve(t, calm))
	if err != nil {
		t.Fatal(err)
	}
	for fails := range 4 {
		c := &collect{}
		config := serve(t, c)
		config.Checkpoint = filepath.Join(t.TempDir(), "import.json")
		c.refuse = func() int {
			if len(c.batches) == fails {
				return http.StatusServiceUnavailable
			}
			return 0
		}
		if _, err := history.Import(t.Context(), strings.NewReader(text), config); err == nil {
			t.Fatal("the first run passed")
		}
		c.refuse = nil
		got, err := history.Import(t.Context(), strings.NewReader(text), config)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(c.accepted, calm.accepted) {
			t.Errorf("fails at %d: %d events arrived, want each once in order", fails, len(c.accepted))
		}
		if got.Accepted != want.Accepted || got.Events != want.Events || got.Lines != want.Lines ||
			got.Unreadable != 1 || !cmp.Equal(got.Rejected, want.Rejected) {
			t.Errorf("fails at %d: %+v\nwant %+v", fails, got, want)
		}
		if _, err := os.Stat(config.Checkpoint); !errors.Is(err, os.ErrNotExist) {
			t.Error("the checkpoint of a finished run stays")
		}
	}
}

func TestBrokenCheckpoint(t *testing.T) {
	config := serve(t, &collect{})
	config.Checkpoint = filepath.Join(t.TempDir(), "import.json")
	if err := os.WriteFile(config.Checkpoint, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := history.Import(t.Context(), strings.NewReader(write(1, nil)), config); err == nil {
		t.Error("passed")
	}
}

func TestBrokenStream(t *testing.T) {
	c := &collect{}
	whole := zip(write(5000, nil))
	s, err := history.Import(t.Context(), strings.NewReader(whole[:len(whole)/2]), serve(t, c))
	if err == nil || s.Accepted == 0 || s.Accepted != len(c.accepted) {
		t.Errorf("%v, %d accepted, %d arrived", err, s.Accepted, len(c.accepted))
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := &collect{}
	config := serve(t, c)
	config.Progress = func(history.Summary) { cancel() }
	s, err := history.Import(ctx, strings.NewReader(write(2000, nil)), config)
	if !errors.Is(err, context.Canceled) || s.Accepted != 500 {
		t.Errorf("%v, %+v", err, s)
	}
}

func TestQueueIsLetRunEmpty(t *testing.T) {
	for name, test := range map[string]struct {
		status, want int
		fails        bool
	}{
		"local": {0, 3, false},
		"aws":   {http.StatusNotFound, 1, false},
		"stuck": {http.StatusServiceUnavailable, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := &collect{settled: test.status}
			_, err := history.Import(t.Context(), strings.NewReader(write(20_001, nil)), serve(t, c))
			if (err != nil) != test.fails || c.settles != test.want {
				t.Errorf("%v, settled %d times, want %d", err, c.settles, test.want)
			}
		})
	}
}

func TestRates(t *testing.T) {
	s, err := history.Import(t.Context(), strings.NewReader(write(10, nil)), serve(t, &collect{}))
	if err != nil || s.Seconds != 2 || s.EventsPerSecond != 5 || s.DollarsPerMillion == nil || int(*s.DollarsPerMillion*10+0.5) != 30 {
		t.Errorf("%v %+v", err, s)
	}
}

func TestOddAnswer(t *testing.T) {
	config := serve(t, &collect{})
	config.Client = &http.Client{Transport: roundTrip(func() (int, string) { return 200, `{"accepted":1}` })}
	_, err := history.Import(t.Context(), strings.NewReader(write(2, nil)), config)
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != "odd_answer" {
		t.Error(err)
	}
}

func TestCheckpointName(t *testing.T) {
	name := func(text string, size int64, url string) string {
		r := strings.NewReader(text)
		got, err := history.CheckpointName(r, size, url)
		if err != nil || r.Len() != len(text) {
			t.Fatalf("%v, %d bytes left", err, r.Len())
		}
		return got
	}
	first := name("abc", 3, "")
	if first != name("abc", 3, "") || first == name("abd", 3, "") || first == name("abc", 4, "") || first == name("abc", 3, "u") {
		t.Error("the name does not follow the file and where it goes")
	}
}
