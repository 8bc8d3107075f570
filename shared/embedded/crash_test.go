package embedded_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport/shared/embedded"
	"rapport/shared/fault"
	"rapport/shared/table"
)

// childFile names the file that a child of TestKilledWriter writes to.
const childFile = "EMBEDDED_TEST_CHILD_FILE"

var counterKey = table.Key{Partition: "count", Sort: "-"}

// TestChild is the writer that TestKilledWriter kills. It commits markers and
// counts them, by several at once, and prints what was acknowledged.
func TestChild(t *testing.T) {
	path := os.Getenv(childFile)
	if path == "" {
		t.Skip("runs as a child of TestKilledWriter only")
	}
	db, err := embedded.Open(path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	round := os.Getenv(childFile+"_ROUND") + "-"
	for worker := range 8 {
		go func() {
			for i := worker; ; i += 8 {
				id := fmt.Sprint(round, i)
				err := db.Commit(context.Background(), id,
					table.Put(table.Key{Partition: "marker", Sort: id}, make([]byte, i%5000), time.Time{}, table.Absent()),
					table.Add(counterKey, map[string]int64{"n": 1}, time.Time{}, table.Condition{}))
				if err != nil {
					fmt.Println("failed", err)
					os.Exit(1)
				}
				fmt.Println("acknowledged", id)
			}
		}()
	}
	<-t.Context().Done() // killed before that
}

// TestKilledWriter kills a process in the middle of its work, again and again,
// and finds everything that was acknowledged, and no half commits.
func TestKilledWriter(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 0))
	path := filepath.Join(t.TempDir(), "rapport.db")
	var acknowledged []string
	for round := range 4 {
		acknowledged = append(acknowledged, runAndKill(t, path, round, 1+chance.IntN(300))...)

		db, err := embedded.Open(path, time.Now)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		markers := map[string]bool{}
		for item, err := range table.All(t.Context(), db, "marker", table.Range{}) {
			if err != nil {
				t.Fatal(err)
			}
			markers[item.Key.Sort] = true
		}
		for _, id := range acknowledged {
			if !markers[id] {
				t.Errorf("round %d: %s was acknowledged and is lost", round, id)
			}
		}
		items, err := db.Get(t.Context(), counterKey)
		if err != nil || items[0] == nil || items[0].Counters["n"] != int64(len(markers)) {
			t.Errorf("round %d: %d markers, counter %+v: %v", round, len(markers), items[0], err)
		}
		t.Logf("round %d: %d acknowledged, %d stored", round, len(acknowledged), len(markers))
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// runAndKill starts a writer, kills it after so many acknowledgements, and
// returns all that it printed. While it lives, nobody else gets the file.
func runAndKill(t *testing.T, path string, round, acks int) []string {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestChild$")
	child.Env = append(os.Environ(), childFile+"="+path, fmt.Sprintf("%s_ROUND=%d", childFile, round))
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	kill := sync.OnceFunc(func() { _ = child.Process.Kill() }) // SIGKILL
	defer kill()
	var got []string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		id, ok := strings.CutPrefix(lines.Text(), "acknowledged ")
		if !ok {
			t.Errorf("round %d: the writer says %q", round, lines.Text())
			continue
		}
		got = append(got, id)
		if round == 0 && len(got) == 1 {
			_, err := embedded.Open(path, time.Now)
			wantFault(t, err, fault.Unavailable, "data_in_use")
		}
		if len(got) == acks {
			kill()
		}
	}
	if err := child.Wait(); err == nil || len(got) < acks {
		t.Fatalf("round %d: the writer ended after %d lines: %v", round, len(got), err)
	}
	return got
}
