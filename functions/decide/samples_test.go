package decide_test

import (
	"context"
	"testing"

	"rapport/functions/decide"
	"rapport/infra/goldentest"
	"rapport/shared/aws/boot"
)

// TestSamples invokes the function with each sample as AWS does.
func TestSamples(t *testing.T) {
	function := boot.HTTP(decide.New(deps(t)))
	goldentest.Samples(t, "decide", func(t *testing.T, payload []byte) any {
		out, err := function.Invoke(context.Background(), payload)
		if err != nil {
			t.Fatal(err)
		}
		return goldentest.Answer(t, out)
	})
}
