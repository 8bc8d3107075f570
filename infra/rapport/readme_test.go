package main

import (
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
	for _, command := range readmeCommands(t) {
		command = strings.ReplaceAll(command, "127.0.0.1:8080", strings.TrimPrefix(url, "http://"))
		out, err := exec.CommandContext(t.Context(), "sh", "-c", strings.Replace(command, "curl", "curl --silent --show-error", 1)).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		got = append(got, string(out))
		if status, body := call(t, http.MethodPost, url+"/local/settle", "", ""); status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
	}
	want := []string{
		`"block":"hero-welcome"`, `"accepted":4`, `"block":"hero-vip"`, `"block":"hero-vip"`,
		`"block":"hero-welcome"`, `"audiences":["from-ukraine","vip"]`,
		`"path":[{"from":"anonymousId:visitor-5f2a9c71e04b","to":"userId:u1","rule":"identify"`, `"reason":"split"`, `"refused":[],"path":[{`,
		`"country":"UA"`, `{"erased":true`, `"no_person"`, `{"reopened":true}`,
	}
	if !slices.EqualFunc(got, want, strings.Contains) {
		t.Errorf("the README's commands answer\n%s\nwant %q", strings.Join(got, "\n"), want)
	}
}

// readmeCommands returns the curl commands of the README's story, each with the
// lines that belong to it.
func readmeCommands(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i, block := range strings.Split(string(text), "```\n") {
		if i%2 == 0 || !strings.HasPrefix(block, "curl ") {
			continue
		}
		for line := range strings.Lines(block) {
			if strings.HasPrefix(line, "curl ") {
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
