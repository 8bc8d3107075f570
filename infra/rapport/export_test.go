package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExportAudience brings history in and hands out who is in an audience by it.
func TestExportAudience(t *testing.T) {
	c := tool{t, t.TempDir()}
	file := filepath.Join(t.TempDir(), "history.jsonl")
	var history strings.Builder
	for _, user := range []string{"u1", "u2", "u3"} {
		fmt.Fprintf(&history, `{"type":"identify","userId":%[1]q,"timestamp":"2026-01-31T09:00:00Z","traits":{"country":"UA","email":"%[1]s@example.com"}}`+"\n", user)
	}
	if err := os.WriteFile(file, []byte(history.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := c.run("import", file); code != exitFine {
		t.Fatal(out, errs)
	}
	for _, purpose := range []string{"", "marketing"} {
		var args []string
		if purpose != "" {
			args = []string{"--purpose", purpose}
		}
		code, out, errs := c.export(args...)
		if code != exitFine || strings.Count(out, "\n") != 3 || !strings.HasPrefix(errs, "3 people") {
			t.Fatalf("exit code %d: %s%s", code, out, errs)
		}
		for line := range strings.Lines(out) {
			var one struct{ ID, UserID, Email string }
			if err := json.Unmarshal([]byte(line), &one); err != nil || one.UserID == "" || (one.Email == one.UserID+"@example.com") != (purpose != "") {
				t.Errorf("purpose %q: %v %s", purpose, err, line)
			}
		}
	}
	code, out, errs := c.export("--purpose", "nws")
	if code != exitProblems || out != "" || !strings.Contains(errs, "name a purpose of the strategy") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
}

// export runs rapport export audience from-ukraine.
func (c tool) export(rest ...string) (code int, out, errs string) {
	c.t.Helper()
	var stdout, stderr strings.Builder
	args := append([]string{"export", "audience", "from-ukraine"}, c.args("", rest...)[1:]...)
	code = realMain(c.t.Context(), args, terminal{in: strings.NewReader(""), out: &stdout, err: &stderr})
	return code, stdout.String(), stderr.String()
}

// TestExportReadsOn asks a server for three pages, of which one is empty, and
// fails when one lacks its end.
func TestExportReadsOn(t *testing.T) {
	pages := map[string]string{
		"":    `{"id":"a"}` + "\n" + `{"page":{"people":1,"withheld":2,"next":"two"}}` + "\n",
		"two": `{"page":{"people":0,"withheld":1,"next":"3 & last"}}` + "\n",
		"3 & last": `{"id":"b"}` + "\n" + `{"id":"c"}` + "\n" +
			`{"page":{"people":2,"withheld":0}}` + "\n",
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, _, _ := r.BasicAuth()
		if r.URL.Path != "/v1/audiences/from-ukraine/people" || r.URL.Query().Get("purpose") != "news" || key != "other" {
			t.Errorf("asked %s with %s", r.URL, key)
		}
		fmt.Fprint(w, pages[r.URL.Query().Get("after")])
	}))
	defer server.Close()
	c := tool{t, t.TempDir()}
	args := []string{"--url", server.URL + "/", "--purpose", "news", "--secret-key", "other"}
	code, out, errs := c.export(args...)
	if code != exitFine || out != "{\"id\":\"a\"}\n{\"id\":\"b\"}\n{\"id\":\"c\"}\n" || errs != "3 people; 3 left out, who did not agree to news\n" {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	pages["3 & last"] = `{"id":"b"}` + "\n"
	if code, _, errs := c.export(args...); code != exitProblems || !strings.Contains(errs, "cut off") {
		t.Errorf("a page without its end: exit code %d: %s", code, errs)
	}
	pages[""] = "<html>"
	if code, _, errs := c.export(args...); code != exitProblems || !strings.Contains(errs, "cut off") {
		t.Errorf("no page: exit code %d: %s", code, errs)
	}
}
