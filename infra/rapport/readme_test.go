package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestReadmeStory types what the README says, word for word, into a shell.
func TestReadmeStory(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("needs curl")
	}
	url, stop := tool{t, t.TempDir()}.local()
	defer stop()
	var got []string
	for _, command := range readmeCommands(t, "curl ") {
		got = append(got, typed(t, url, command))
	}
	want := []string{
		`"block":"hero-welcome"`, `"accepted":4`, `"block":"hero-vip"`, `"block":"hero-vip"`,
		`"block":"hero-welcome"`, `"audiences":["from-ukraine","vip"]`,
		`"reasons":[{"reason":"order_open"`, `"theme":"dark"`,
		`"path":[{"from":"anonymousId:visitor-5f2a9c71e04b","to":"userId:u1","rule":"identify"`, `"reason":"split"`, `"refused":[],"path":[{`,
		`"country":"UA"`, `{"erased":true`, `"no_person"`, `{"reopened":true}`,
	}
	if !slices.EqualFunc(got, want, strings.Contains) {
		t.Errorf("the README's commands answer\n%s\nwant %q", strings.Join(got, "\n"), want)
	}
}

// typed types a command into a shell and waits until its events are taken in.
func typed(t *testing.T, url, command string) string {
	t.Helper()
	command = strings.ReplaceAll(command, "127.0.0.1:8080", strings.TrimPrefix(url, "http://"))
	var out []byte
	var err error
	if args, ours := strings.CutPrefix(command, "bin/rapport "); ours {
		out, err = rapport(t, strings.Fields(args))
	} else {
		out, err = exec.CommandContext(t.Context(), "sh", "-c", strings.Replace(command, "curl", "curl --silent --show-error", 1)).CombinedOutput()
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	if status, body := call(t, http.MethodPost, url+"/local/settle", "", ""); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	return string(out)
}

// rapport runs a command from the top of the repository, as the README does.
func rapport(t *testing.T, args []string) ([]byte, error) {
	t.Helper()
	for i, arg := range args {
		if strings.HasPrefix(arg, "infra/") {
			args[i] = "../../" + arg
		}
	}
	code, out, errs := tool{t, t.TempDir()}.run(args[0], args[1:]...)
	if code != exitFine {
		return []byte(out + errs), fmt.Errorf("exit code %d", code)
	}
	return []byte(out), nil
}

// TestBringWhatYouHave types the README's other story: a courier, a till, a call
// centre, a review and an invoice, known before anybody said whose they are.
func TestBringWhatYouHave(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("needs curl")
	}
	url, stop := tool{t, t.TempDir()}.local()
	defer stop()
	var got []string
	commands := readmeCommands(t, "bin/rapport ", "curl ")
	for _, command := range commands {
		got = append(got, typed(t, url, command))
	}
	want := []string{
		"5 lines: 4 accepted", "3 lines: 2 accepted", "1 line: 1 accepted", `"accepted":1`, `"FailedEntryCount":0`, `"accepted":1`,
		`"nodes":["email:customer@example.com","external:order:10042","userId:u7"]`, `"event":"Order Delivered"`,
	}
	if !slices.EqualFunc(got, want, strings.Contains) {
		t.Fatalf("the README's commands answer\n%s\nwant %q", strings.Join(got, "\n"), want)
	}
	for _, part := range []string{"Delivery Delayed", "Order Completed", "Call Ended", "Product Reviewed", "Invoice Paid"} {
		if !strings.Contains(got[7], part) {
			t.Errorf("the timeline lacks %s: %s", part, got[7])
		}
	}
	if !strings.Contains(got[6], `"orders":1`) || !strings.Contains(got[6], `"revenue":59.9`) || strings.Contains(got[7], "10077") {
		t.Errorf("somebody else's order, or none: %s", got[6])
	}
	before := got[6]
	for _, command := range commands[:3] {
		typed(t, url, command)
	}
	if _, after := call(t, http.MethodGet, url+"/v1/people/external:order:10042", "demo-secret", ""); strings.TrimSpace(string(after)) != strings.TrimSpace(before) {
		t.Errorf("importing twice changed something:\n%s\n%s", before, after)
	}
	if _, queues := call(t, http.MethodGet, url+"/local/queues", "", ""); strings.Contains(string(queues), `"reason"`) {
		t.Errorf("something lies in the dead letters: %s", queues)
	}
}

// readmeCommands returns the commands of the README's block that begins with the
// first of the words, each with the lines that belong to it.
func readmeCommands(t *testing.T, words ...string) []string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i, block := range strings.Split(string(text), "```\n") {
		if i%2 == 0 || !strings.HasPrefix(block, words[0]) {
			continue
		}
		for line := range strings.Lines(block) {
			if slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(line, w) }) {
				out = append(out, "")
			}
			out[len(out)-1] += line
		}
	}
	if len(out) == 0 {
		t.Fatal("the README has no commands")
	}
	return out
}
