package smoke_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"rapport/infra/smoke"
	"rapport/shared/fault"
)

func TestInvokeAnUnknownFunction(t *testing.T) {
	for _, name := range []string{"", "nobody", "../smoke"} {
		_, err := smoke.Invocation{Root: root, Function: name}.Run(t.Context())
		if fault.KindOf(err) != fault.NotFound {
			t.Errorf("%q: error is %v", name, err)
		}
	}
	if _, err := (smoke.Invocation{Root: t.TempDir(), Function: "decide"}).Run(t.Context()); fault.KindOf(err) != fault.NotFound {
		t.Errorf("error outside of the repository is %v", err)
	}
}

// TestInvoke runs one function on an engine of its own, well and badly.
func TestInvoke(t *testing.T) {
	onlyWhenAsked(t)
	event, err := os.ReadFile(filepath.Join(root, "events", "decide", "anonymous.json"))
	if err != nil {
		t.Fatal(err)
	}
	call := smoke.Invocation{Root: root, Function: "decide", Event: event, Strategy: filepath.Join(root, "infra", "strategy")}
	out, err := call.Run(t.Context())
	if fault.KindOf(err) == fault.NotFound {
		t.Skipf("%v", err)
	}
	var answer struct{ StatusCode int }
	if json.Unmarshal(out.Answer, &answer) != nil || answer.StatusCode != 200 || err != nil {
		t.Errorf("answer is %s, %v", out.Answer, err)
	}
	if got := out.Calls[smoke.Call{Action: "dynamodb:GetItem", Resource: "Table"}]; got == 0 {
		t.Errorf("calls are %v", out.Calls)
	}
	call.Event = []byte(`[]`)
	if out, err := call.Run(t.Context()); fault.KindOf(err) != fault.Internal || out.Log == "" {
		t.Errorf("a function that fails ends with %v, log %q", err, out.Log)
	}
}
