package cloud

import (
	"context"
	"crypto/md5" //nolint:gosec // the checksum that SQS puts into its records
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// defaultWorkers is how many batches of a queue are delivered at the same time.
const defaultWorkers = 4

// source feeds a function from a queue.
type source struct {
	queue    *queue
	function *function
	spec     sourceSpec
	bare     bool // the body is the payload itself: an asynchronous invocation
	meter    *meter
}

// work delivers batches until ctx ends; a delivery that began is finished.
func (s *source) work(ctx context.Context) {
	for ctx.Err() == nil {
		batch, changed, next, err := s.queue.Receive(s.spec.Batch)
		if err != nil {
			s.queue.Done(batch, repeat(err.Error(), len(batch)))
			continue
		}
		if len(batch) > 0 {
			s.deliver(ctx, batch)
			continue
		}
		s.pause(ctx, changed, next)
	}
}

func (s *source) pause(ctx context.Context, changed <-chan struct{}, next time.Time) {
	var due <-chan time.Time
	if !next.IsZero() {
		timer := time.NewTimer(max(next.Sub(s.queue.now()), time.Millisecond))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
	case <-changed:
	case <-due:
	}
}

func (s *source) deliver(ctx context.Context, batch []delivery) {
	payload, err := s.payload(batch)
	var answer []byte
	if err == nil {
		answer, err = s.function.Invoke(ctx, payload)
	}
	reasons := make([]string, len(batch))
	switch {
	case err != nil:
		reasons = repeat(err.Error(), len(batch))
	case s.spec.Partial:
		reasons = failures(answer, batch)
	}
	if !s.bare {
		s.meter.Queue(s.function.spec.ID, received(batch)+deleted(reasons))
	}
	s.queue.Done(batch, reasons)
}

func (s *source) payload(batch []delivery) ([]byte, error) {
	if s.bare {
		return []byte(batch[0].body), nil
	}
	event := events.SQSEvent{Records: make([]events.SQSMessage, len(batch))}
	for i, d := range batch {
		sum := md5.Sum([]byte(d.body)) //nolint:gosec // see the import
		event.Records[i] = events.SQSMessage{
			MessageId:     d.id,
			ReceiptHandle: d.id + "#" + strconv.Itoa(d.receives),
			Body:          d.body,
			Md5OfBody:     hex.EncodeToString(sum[:]),
			Attributes: map[string]string{
				"ApproximateReceiveCount":          strconv.Itoa(d.receives),
				"ApproximateFirstReceiveTimestamp": strconv.FormatInt(d.first.UnixMilli(), 10),
				"SentTimestamp":                    strconv.FormatInt(d.sent.UnixMilli(), 10),
				"SenderId":                         account,
			},
			MessageAttributes: map[string]events.SQSMessageAttribute{},
			EventSource:       "aws:sqs",
			EventSourceARN:    s.queue.spec.ARN,
			AWSRegion:         region,
		}
	}
	return json.Marshal(event)
}

// failures reads a partial batch response as Lambda does: no list or an empty
// one is success; an answer that cannot be read, or an id that is empty or not
// of this batch, fails the whole batch.
func failures(answer []byte, batch []delivery) []string {
	var response struct {
		Failures []struct {
			ID string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if len(answer) > 0 {
		if err := json.Unmarshal(answer, &response); err != nil {
			return repeat("the batch response cannot be read: "+err.Error(), len(batch))
		}
	}
	index := make(map[string]int, len(batch))
	for i, d := range batch {
		index[d.id] = i
	}
	reasons := make([]string, len(batch))
	for _, failure := range response.Failures {
		i, ok := index[failure.ID]
		if !ok {
			return repeat("the batch response names a message that is not in the batch: "+strconv.Quote(failure.ID), len(batch))
		}
		reasons[i] = "reported as failed by the function; its log says why"
	}
	return reasons
}

func repeat(reason string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = reason
	}
	return out
}

// received counts the requests that fetched a batch: ten messages a request,
// and a request for each 64 KB.
func received(batch []delivery) int {
	bodies := make([]string, len(batch))
	for i, d := range batch {
		bodies[i] = d.body
	}
	return queueRequests(bodies)
}

// deleted counts the requests that acknowledged what did not fail.
func deleted(reasons []string) int {
	n := 0
	for _, r := range reasons {
		if r == "" {
			n++
		}
	}
	return (n + perRequest - 1) / perRequest
}
