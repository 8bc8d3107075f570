package hear_test

import (
	"context"
	"encoding/json"
	"testing"

	"rapport/infra/goldentest"
)

// TestSamples hands each sample to the function twice: what comes again is told
// again under the same ids, and stored no more.
func TestSamples(t *testing.T) {
	goldentest.Samples(t, "hear", func(t *testing.T, payload []byte) any {
		w := open(t)
		var out []any
		for range 2 {
			w.ingest.messages, w.tallies.messages = nil, nil
			answer, err := w.function.Handle(context.Background(), payload)
			if err != nil {
				t.Fatal(err)
			}
			tallies := []json.RawMessage{}
			for _, m := range w.tallies.messages {
				tallies = append(tallies, json.RawMessage(m))
			}
			out = append(out, map[string]any{
				"answer": answer, "ledger": w.ledger(cart), "suppressed": w.suppressed(address), "said": w.consents(),
				"events": w.told(), "tallies": tallies,
			})
		}
		return out
	})
}
