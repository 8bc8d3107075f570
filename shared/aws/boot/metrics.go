package boot

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// Namespace is where CloudWatch shows what functions count.
const Namespace = "Rapport"

// tellEvery is how often a sandbox tells at most: a line of log costs as much as
// a few reads of the table.
const tellEvery = time.Minute

// Count adds to a metric of CloudWatch. It is for what alarms and the dashboard
// show, as it happens, and about right: the sums leave in the log, in the embedded
// metric format, once a minute at most, and a sandbox that ends takes what it has
// not told along. Exact numbers are tally's.
func (e *Env) Count(metric string, n int) { e.counts.add(metric, n) }

// counts are the sums that were not told yet. The zero value is ready.
type counts struct {
	mu   sync.Mutex
	sums map[string]int
	told time.Time
}

func (c *counts) add(metric string, n int) {
	if n == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sums == nil {
		c.sums = map[string]int{}
	}
	c.sums[metric] += n
}

// tell writes the sums as one line, unless that was done within the last minute.
// The one dimension is the function, so that a metric costs the same however many
// people come.
func (c *counts) tell(w io.Writer, function string, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sums) == 0 || now.Sub(c.told) < tellEvery {
		return
	}
	line := map[string]any{"FunctionName": function}
	var metrics []map[string]string
	for _, name := range slices.Sorted(maps.Keys(c.sums)) {
		metrics = append(metrics, map[string]string{"Name": name, "Unit": "Count"})
		line[name] = c.sums[name]
	}
	line["_aws"] = map[string]any{
		"Timestamp":         now.UnixMilli(),
		"CloudWatchMetrics": []any{map[string]any{"Namespace": Namespace, "Dimensions": [][]string{{"FunctionName"}}, "Metrics": metrics}},
	}
	if json.NewEncoder(w).Encode(line) == nil {
		c.sums, c.told = nil, now
	}
}

// telling returns a handler after which the counts are told, if it is time.
func (e *Env) telling(h lambda.Handler) lambda.Handler { return telling{h, e} }

type telling struct {
	next lambda.Handler
	env  *Env
}

// Invoke implements lambda.Handler.
func (t telling) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	defer func() { t.env.counts.tell(os.Stdout, os.Getenv("AWS_LAMBDA_FUNCTION_NAME"), time.Now()) }()
	return t.next.Invoke(ctx, payload)
}
