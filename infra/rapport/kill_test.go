package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

var killSeed = flag.Uint64("kill-seed", 0, "seed of TestKilledInTheMiddle; 0 takes a new one")

// process is a rapport of its own that can be killed.
type process struct {
	cmd *exec.Cmd
	url string
}

func start(t *testing.T, data string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Args = append([]string{"rapport"}, tool{t, data}.args("local", "--port", "0")...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd}
	lines := bufio.NewScanner(out)
	for p.url == "" && lines.Scan() {
		if at, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "shop "); ok {
			p.url = strings.TrimSuffix(strings.TrimSpace(at), "/")
		}
	}
	if p.url == "" {
		t.Fatalf("rapport did not start: %v", cmd.Wait())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return p
}

// kill ends the process as kill -9 does: nothing gets to be tidied up.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

func (p *process) post(path, body string) error {
	request, err := http.NewRequest(http.MethodPost, p.url+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.SetBasicAuth("demo-secret", "")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if answer, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %d %s", path, response.StatusCode, answer)
	}
	return nil
}

// finish lets everything run that is on its way, also what a busy machine put
// off: a message that failed comes again when its visibility timeout is over.
func (p *process) finish(t *testing.T) {
	t.Helper()
	for range 2 {
		if err := p.post("/local/clock", `{"advance":"10m"}`); err != nil {
			t.Fatal(err)
		}
	}
}

func (p *process) people(t *testing.T, users int) string {
	t.Helper()
	var all bytes.Buffer
	for i := range users {
		status, body := get(t, fmt.Sprintf("%s/v1/people/userId:u%d", p.url, i), "demo-secret")
		if status != http.StatusOK {
			t.Fatalf("u%d: %d %s", i, status, body)
		}
		all.Write(body)
	}
	return all.String()
}

// orderBatches makes batches of events for a few users on shared devices.
func orderBatches(r *rand.Rand, batches, users int) []string {
	when := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	var out []string
	for b := range batches {
		var list []map[string]any
		for i := range 40 {
			at := when.Add(time.Duration(b*40+i) * time.Second).Format(time.RFC3339)
			user := fmt.Sprint("u", r.IntN(users))
			e := map[string]any{
				"type": "track", "event": "Order Completed", "messageId": fmt.Sprintf("m-%d-%d", b, i), "userId": user,
				"timestamp": at, "properties": map[string]any{"revenue": json.Number(fmt.Sprintf("%d.%02d", r.IntN(90), r.IntN(100)))},
			}
			if i%5 == 0 {
				e = map[string]any{
					"type": "identify", "messageId": fmt.Sprintf("m-%d-%d", b, i), "userId": user, "timestamp": at,
					"anonymousId": fmt.Sprint("device-", r.IntN(users)), "traits": map[string]any{"n": i},
				}
			}
			list = append(list, e)
		}
		body, _ := json.Marshal(map[string]any{"batch": list})
		out = append(out, string(body))
	}
	return out
}

// Killed at any moment, with a client that repeats what was not acknowledged:
// after the restart the people are those of an undisturbed run, to the byte.
func TestKilledInTheMiddle(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	seed := *killSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("run again with -kill-seed=%d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	const users = 6
	batches := orderBatches(r, 24, users)

	undisturbed := start(t, t.TempDir())
	defer undisturbed.kill()
	for _, b := range batches {
		if err := undisturbed.post("/v1/batch", b); err != nil {
			t.Fatal(err)
		}
	}
	undisturbed.finish(t)
	want := undisturbed.people(t, users)

	data := t.TempDir()
	p := start(t, data)
	for next, kills := 0, 0; next < len(batches); {
		if kills < 8 && r.IntN(2) == 0 {
			kills++
			victim := p
			// Somewhere while this batch is taken in or folded.
			timer := time.AfterFunc(time.Duration(r.IntN(20_000))*time.Microsecond, func() { _ = victim.cmd.Process.Kill() })
			err := p.post("/v1/batch", batches[next])
			if err == nil && r.IntN(2) == 0 {
				next++
				_ = p.post("/local/settle", "")
			}
			timer.Stop()
			p.kill()
			p = start(t, data)
			continue
		}
		if err := p.post("/v1/batch", batches[next]); err != nil {
			t.Fatal(err)
		}
		next++
	}
	defer func() { p.kill() }()
	p.finish(t)
	if got := p.people(t, users); got != want {
		t.Errorf("the people are not the same\nundisturbed %s\nkilled      %s", want, got)
	}
	if _, body := get(t, p.url+"/local/queues", "demo-secret"); bytes.Contains(body, []byte(`"reason"`)) {
		t.Errorf("dead letters: %s", body)
	}
}
