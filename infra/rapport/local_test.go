package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const orders = `{"type":"track","event":"Order Completed","userId":"u1","timestamp":"2024-01-31T09:00:00Z","properties":{"order_id":"1","revenue":20}}
{"type":"track","event":"Order Completed","userId":"u1","timestamp":"2024-02-03T09:00:00Z","properties":{"order_id":"2","revenue":30}}
{"type":"identify","userId":"u1","timestamp":"2024-01-31T08:59:00Z","traits":{"plan":"pro"}}
`

// tool runs the command in this process on a data folder of its own.
type tool struct {
	t    *testing.T
	data string
}

func (c tool) args(command string, rest ...string) []string {
	repo := filepath.Join("..", "..")
	return append([]string{
		command, "--data", c.data, "--template", filepath.Join(repo, "template.yaml"),
		"--strategy", filepath.Join(repo, "infra", "strategy"),
	}, rest...)
}

// run returns the exit code and what was printed.
func (c tool) run(command string, rest ...string) (code int, out, errs string) {
	var stdout, stderr bytes.Buffer
	code = realMain(c.t.Context(), c.args(command, rest...), terminal{in: strings.NewReader(""), out: &stdout, err: &stderr})
	return code, stdout.String(), stderr.String()
}

// local starts the local cloud on a free port; stop ends it as Ctrl-C does and
// returns its exit code.
func (c tool) local() (url string, stop func() int) {
	c.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	read, write := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- realMain(ctx, c.args("local", "--port", "0"), terminal{out: write, err: os.Stderr})
		_ = write.Close()
	}()
	lines := bufio.NewScanner(read)
	for url == "" && lines.Scan() {
		if at, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "shop "); ok {
			url = strings.TrimSuffix(strings.TrimSpace(at), "/")
		}
	}
	if url == "" {
		c.t.Fatalf("did not start: exit code %d", <-ended)
	}
	go func() { _, _ = io.Copy(io.Discard, read) }()
	return url, func() int { cancel(); return <-ended }
}

func get(t *testing.T, url, key string) (int, []byte) {
	t.Helper()
	return call(t, http.MethodGet, url, key, "")
}

func call(t *testing.T, method, url, key, text string) (int, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(key, "")
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, body
}

// person returns the customer view without what depends on arrival.
func person(t *testing.T, url string) string {
	t.Helper()
	status, body := get(t, url+"/v1/people/userId:u1", "demo-secret")
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	return string(body)
}

// TestLocal tells the tool's own story: start, look, import into the running
// server, stop, import into the folder, start again; the person stays the same.
func TestLocal(t *testing.T) {
	c := tool{t, t.TempDir()}
	file := filepath.Join(t.TempDir(), "orders.jsonl")
	if err := os.WriteFile(file, []byte(orders), 0o600); err != nil {
		t.Fatal(err)
	}
	url, stop := c.local()
	for path, want := range map[string]string{"/local/health": "ok", "/": "<html", "/local/meter": "prices", "/local/queues": "IngestQueue"} {
		if status, body := get(t, url+path, ""); status != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%s: %d, without %q", path, status, want)
		}
	}
	if code, out, errs := c.run("import", "--url", url, file); code != 0 || !strings.Contains(out, "3 lines: 3 accepted") {
		t.Errorf("import by address: %d %s %s", code, out, errs)
	}
	first := person(t, url)
	var view struct {
		Computed  map[string]json.RawMessage
		FirstSeen string
		LastSeen  string
	}
	if err := json.Unmarshal([]byte(first), &view); err != nil {
		t.Fatal(err)
	}
	if string(view.Computed["orders"]) != "2" || string(view.Computed["revenue"]) != "50" || !strings.HasPrefix(view.LastSeen, "2024-02-03T09:00:00") {
		t.Errorf("history did not keep its times or counts: %s", first)
	}
	if code, _, errs := c.run("import", file); code != exitProblems || !strings.Contains(errs, "--url http://127.0.0.1:8080") {
		t.Errorf("import beside a running server: %d %s", code, errs)
	}
	if code, _, errs := c.run("local", "--port", url[strings.LastIndex(url, ":")+1:]); code != exitProblems || !strings.Contains(errs, "is taken") {
		t.Errorf("a second server on the port: %d %s", code, errs)
	}
	if code := stop(); code != 0 {
		t.Errorf("stopped with %d", code)
	}
	if code, out, errs := c.run("import", file); code != 0 || !strings.Contains(out, "3 lines: 3 accepted") {
		t.Errorf("import into the folder: %d %s %s", code, out, errs)
	}
	url, stop = c.local()
	if again := person(t, url); again != first {
		t.Errorf("importing twice changed the person:\n%s\n%s", first, again)
	}
	if code := stop(); code != 0 {
		t.Errorf("stopped with %d", code)
	}
}

// TestShopProofs: what the shop issues must hold by the virtual clock, which may
// have been moved by days.
func TestShopProofs(t *testing.T) {
	url, stop := tool{t, t.TempDir()}.local()
	defer stop()
	if status, body := call(t, http.MethodPost, url+"/local/clock", "", `{"advance":"48h"}`); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	status, body := call(t, http.MethodPost, url+"/shop/sign-in", "", `{"userId":"u-1"}`)
	var session struct{ Proof string }
	if err := json.Unmarshal(body, &session); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s %v", status, body, err)
	}
	ask := `{"userId":"u-1","proof":"` + session.Proof + `"}`
	if status, body := call(t, http.MethodPost, url+"/v1/decide", "demo-write", ask); status != http.StatusOK {
		t.Errorf("a fresh proof does not hold: %d %s", status, body)
	}
}

func TestRow58HeadersAreLimited(t *testing.T) {
	url, stop := tool{t, t.TempDir()}.local()
	defer stop()
	for size, want := range map[int]int{8 << 10: http.StatusOK, 16 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/local/health", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Long", strings.Repeat("x", size))
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%d bytes are answered %d, want %d", size, response.StatusCode, want)
		}
	}
}

// TestParameters starts with further parameters of the template; the shop's own
// proofs go by them.
func TestParameters(t *testing.T) {
	t.Setenv("RAPPORT_PARAMETERS", "AllowedOrigins=https://a.example.com,https://b.example.com;ProofAudience=shop;ProofIssuer=login")
	url, stop := tool{t, t.TempDir()}.local()
	defer stop()
	status, body := call(t, http.MethodPost, url+"/shop/sign-in", "", `{"userId":"lesia-1"}`)
	var issued struct{ Proof string }
	if err := json.Unmarshal(body, &issued); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s: %v", status, body, err)
	}
	for origin, want := range map[string]int{"": 200, "https://a.example.com": 200, "https://b.example.com": 200, "https://c.example.com": 403} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/decide", strings.NewReader(`{"proof":"`+issued.Proof+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		request.SetBasicAuth("demo-write", "")
		if origin != "" {
			request.Header.Set("Origin", origin)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("from %q: %d, want %d", origin, response.StatusCode, want)
		}
	}
	for _, wrong := range []string{"ProofAudiense=shop", "AllowedOrigins=*"} {
		if code, out, errs := (tool{t, t.TempDir()}).run("local", "--port", "0", "--parameter", wrong); code == 0 || !strings.Contains(errs, "ProofAudiense") && !strings.Contains(errs, "origins") {
			t.Errorf("%s: %d %s %s", wrong, code, out, errs)
		}
	}
}
