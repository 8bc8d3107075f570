package history_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rapport/infra/history"
	"rapport/shared/event"
)

var courier = event.Source{
	ID: "courier", EventAt: "status", Events: map[string]string{"DONE": "Order Delivered"}, MessageID: "no",
	External: map[string]string{"order": "order"}, Properties: map[string]string{"cost": "cost", "note": "note"}, Numbers: []string{"cost"},
}

// call is a call in Segment's terms, as it arrives.
type call struct {
	MessageID  string
	Event      string
	Properties map[string]any
	Context    struct{ ExternalIDs []struct{ Type, ID string } }
}

// listener accepts all, and may be away for a request.
type listener struct {
	calls []call
	away  func() bool
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path != "/v1/batch":
		w.WriteHeader(http.StatusNotFound)
		return
	case l.away != nil && l.away():
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var body struct{ Batch []call }
	data, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(data, &body)
	l.calls = append(l.calls, body.Batch...)
	_ = json.NewEncoder(w).Encode(map[string]any{"success": true, "accepted": len(body.Batch)})
}

func listen(t *testing.T, l *listener, source *event.Source) history.Config {
	t.Helper()
	config := serve(t, &collect{})
	server := httptest.NewServer(l)
	t.Cleanup(server.Close)
	config.URL, config.Client, config.Source = server.URL, server.Client(), source
	config.Checkpoint = filepath.Join(t.TempDir(), "import.json")
	return config
}

// TestTables: whatever program wrote the table, the same events come in.
func TestTables(t *testing.T) {
	const plain = "no,order,status,cost,note\n1,7,DONE,\"1,5\",\"two\nlines\"\n2,8,LOST,x,\n\n3,9,DONE,3,a\n"
	var want []call
	for name, text := range map[string]string{
		"commas": plain, "windows": "\ufeff" + strings.ReplaceAll(plain, "\n", "\r\n"), "gzip": zip(plain), "no last end": strings.TrimSuffix(plain, "\n"),
		"semicolons": "no;order;status;cost;note\n1;7;DONE;1,5;\"two\nlines\"\n2;8;LOST;x;\n\n3;9;DONE;3;a\n",
		"tabs":       "no\torder\tstatus\tcost\tnote\n1\t7\tDONE\t1,5\t\"two\nlines\"\n2\t8\tLOST\tx\t\n\n3\t9\tDONE\t3\ta\n",
		"JSON lines": `{"no":"1","order":"7","status":"DONE","cost":1.5,"note":"two\nlines"}` + "\n" + `{"no":"2","order":8,"status":"LOST","cost":"x"}` + "\n" + `{"no":"3","order":9,"status":"DONE","cost":3,"note":"a"}`,
	} {
		t.Run(name, func(t *testing.T) {
			l := &listener{}
			s, err := history.Import(t.Context(), strings.NewReader(text), listen(t, l, &courier))
			if err != nil || s.Unreadable > 0 {
				t.Errorf("%v %+v", err, s)
			}
			if len(l.calls) != 3 || l.calls[0].Event != "Order Delivered" || l.calls[1].Event != "LOST" || l.calls[0].Properties["cost"] != 1.5 ||
				l.calls[1].Properties["cost"] != "x" || l.calls[0].Properties["note"] != "two\nlines" || l.calls[2].MessageID == l.calls[0].MessageID {
				t.Fatalf("%+v", l.calls)
			}
			for i := range l.calls {
				l.calls[i].Context.ExternalIDs = nil // numbers come as such from JSON
			}
			if want == nil {
				want = l.calls
			}
			if diff := cmp.Diff(want, l.calls); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRowsThatAreNone(t *testing.T) {
	text := "no,order,status,cost,note\n1,7,DONE,1,a\n2,7\n3,7,DONE,1,\"b\"c\n4,7,,1,a\n,7,DONE,1,a\n5,7,DONE,\xff,a\n6,7,DONE,1,\"x\ny\"\n7,7,DONE\n8,7,DONE,1,a\n"
	l := &listener{}
	s, err := history.Import(t.Context(), strings.NewReader(text), listen(t, l, &courier))
	if err != nil {
		t.Fatal(err)
	}
	var lines []int
	for _, p := range s.Problems {
		lines = append(lines, p.Line)
	}
	if !slices.Equal(lines, []int{3, 4, 5, 6, 7, 10}) || len(l.calls) != 3 || s.Lines != 11 {
		t.Errorf("lines %v, %d of %d lines accepted: %+v", lines, len(l.calls), s.Lines, s.Problems)
	}
}

func TestHeadings(t *testing.T) {
	for text, fine := range map[string]bool{"": true, "no,order\n": true, "no,no\n1,2\n": false, "\"no\n": false} {
		l := &listener{}
		config := listen(t, l, &courier)
		_, err := history.Import(t.Context(), strings.NewReader(text), config)
		if refused := err != nil && strings.Contains(err.Error(), "line 1"); refused == fine {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestInterruptedTableGoesOn: as with lines, though the heading is read again.
func TestInterruptedTableGoesOn(t *testing.T) {
	var b strings.Builder
	b.WriteString("\ufeffno,order,status,cost,note\n")
	for i := range 1300 {
		b.WriteString(strings.Repeat("\n", i%3) + "n" + string(rune('a'+i%26)) + strings.Repeat("x", i/26) + ",7,DONE,1,\"two\nlines\"\n")
	}
	text := strings.Replace(b.String(), "nbx,", "bad,,", 1)
	calm := &listener{}
	whole, err := history.Import(t.Context(), strings.NewReader(text), listen(t, calm, &courier))
	if err != nil {
		t.Fatal(err)
	}
	for share := 1; share <= 2; share++ {
		l, batches, runs := &listener{}, 0, 0
		config := listen(t, l, &courier)
		l.away = func() bool { batches++; return batches > share }
		got, err := history.Import(t.Context(), strings.NewReader(text), config)
		for ; err != nil && runs < 9; runs++ {
			batches = 0
			got, err = history.Import(t.Context(), strings.NewReader(text), config)
		}
		if diff := cmp.Diff(calm.calls, l.calls); diff != "" || runs != 3-share || got.Lines != whole.Lines || got.Unreadable != 1 || !cmp.Equal(got.Problems, whole.Problems) {
			t.Errorf("%d requests a run, %d more runs: %d of %d lines, %+v, want %+v", share, runs, got.Lines, whole.Lines, got.Problems, whole.Problems)
		}
	}
}
