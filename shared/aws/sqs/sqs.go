// Package sqs is the road by queue: it sends messages to one SQS queue and says
// so only when all of them are stored.
package sqs

import (
	"context"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"rapport/shared/fault"
)

// What SQS takes in one request.
const (
	MaxMessages = 10
	MaxBytes    = 1 << 20 // of one message, and of all messages of a request together
)

// Queue sends to one queue. It is safe for concurrent use.
type Queue struct {
	// The one call that is used. Held as that and not as the client, it lets the
	// linker leave the other calls out, which reflection might reach otherwise.
	send func(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
	url  string
}

// New returns the queue with that URL.
func New(cfg aws.Config, queueURL string) *Queue {
	return &Queue{send: sqs.NewFromConfig(cfg).SendMessageBatch, url: queueURL}
}

// Send stores the messages, each a JSON text. Nil means that all of them are
// stored; after an error some may be, so a message may arrive twice.
//
// Errors: kind TooLarge (code message_too_large) for a message over 1 MiB, with
// nothing sent; Unavailable (code not_queued) when SQS does not take all.
func (q *Queue) Send(ctx context.Context, messages ...string) error {
	texts := make([]string, len(messages))
	for i, m := range messages {
		if texts[i] = storable.Replace(m); len(texts[i]) > MaxBytes {
			return fault.New(fault.TooLarge, "message_too_large", "split the message: it has %d bytes, and a queue takes %d", len(texts[i]), MaxBytes)
		}
	}
	for len(texts) > 0 {
		n := fitting(texts)
		if err := q.sendBatch(ctx, texts[:n]); err != nil {
			return err
		}
		texts = texts[n:]
	}
	return nil
}

// storable writes the two characters that SQS would silently replace as JSON
// escapes. The message would differ from what was sent, the client would notice
// by its checksum, and the sender would try again for ever.
var storable = strings.NewReplacer("\ufffe", `\ufffe`, "\uffff", `\uffff`)

// fitting returns how many of the texts, from the first, one request takes.
func fitting(texts []string) int {
	n, size := 0, 0
	for n < len(texts) && n < MaxMessages && size+len(texts[n]) <= MaxBytes {
		size += len(texts[n])
		n++
	}
	return n
}

// sendBatch sends what fits into one request. SQS may store a part of it and
// refuse the rest; the rest is sent once more.
func (q *Queue) sendBatch(ctx context.Context, texts []string) error {
	entries := make([]types.SendMessageBatchRequestEntry, len(texts))
	for i, text := range texts {
		entries[i] = types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(text)}
	}
	reason := ""
	for range 2 {
		out, err := q.send(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.url, Entries: entries})
		if err != nil {
			return fault.New(fault.Unavailable, "not_queued", "send again: the queue could not be reached").Because(err)
		}
		if entries = missing(entries, out.Successful); len(entries) == 0 {
			return nil
		}
		reason = reasonOf(out.Failed)
	}
	return fault.New(fault.Unavailable, "not_queued", "send again: the queue refused %d of %d messages (%s)", len(entries), len(texts), reason)
}

// missing returns the entries that are not among the stored ones. An entry that
// the answer does not mention is not stored as far as we know.
func missing(entries []types.SendMessageBatchRequestEntry, stored []types.SendMessageBatchResultEntry) []types.SendMessageBatchRequestEntry {
	known := make(map[string]bool, len(stored))
	for _, s := range stored {
		known[aws.ToString(s.Id)] = true
	}
	var out []types.SendMessageBatchRequestEntry
	for _, e := range entries {
		if !known[aws.ToString(e.Id)] {
			out = append(out, e)
		}
	}
	return out
}

func reasonOf(failed []types.BatchResultErrorEntry) string {
	if len(failed) == 0 {
		return "no reason given"
	}
	return aws.ToString(failed[0].Code) + ": " + aws.ToString(failed[0].Message)
}
