package smoke_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"rapport/infra/smoke"
	"rapport/shared/fault"
)

// asFunction makes this test binary a bootstrap; see TestMain.
const asFunction = "SMOKE_TEST_AS_FUNCTION"

// TestMain runs the tests, or a function when the tests started this process.
func TestMain(m *testing.M) {
	if mode := os.Getenv(asFunction); mode != "" {
		pretend(mode)
	}
	code := m.Run()
	for _, dir := range cleanAtEnd {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// cleanAtEnd are folders that several tests share.
var cleanAtEnd []string

// pretend is a function that does as the event says.
func pretend(mode string) {
	if mode == "broken" {
		fmt.Println("cannot start: no TABLE_NAME")
		os.Exit(3)
	}
	lambda.Start(func(ctx context.Context, event string) (string, error) {
		deadline, _ := ctx.Deadline()
		switch event {
		case "fail":
			return "", errors.New("as you wish")
		case "panic":
			panic("as you wish")
		case "exit":
			os.Exit(4)
		case "deadline":
			return deadline.UTC().Format(time.RFC3339), nil
		}
		return strings.ToUpper(event), nil
	})
}

// start runs this binary as a function.
func start(t *testing.T, mode string) (*smoke.Function, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f, err := smoke.Start(t.Context(), self, asFunction+"="+mode)
	if err == nil {
		t.Cleanup(f.Stop)
	}
	return f, err
}

func invoke(t *testing.T, f *smoke.Function, event string) (string, error) {
	t.Helper()
	payload, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	out, err := f.Invoke(t.Context(), payload)
	if err != nil {
		return "", err
	}
	var text string
	if err := json.Unmarshal(out, &text); err != nil {
		t.Fatalf("answer %q: %v", out, err)
	}
	return text, nil
}

func TestAFunctionAnswersOneEventAfterTheOther(t *testing.T) {
	f, err := start(t, "well")
	if err != nil {
		t.Fatal(err)
	}
	if f.Ready() <= 0 {
		t.Errorf("ready after %s", f.Ready())
	}
	for _, event := range []string{"tea", "чай"} {
		if got, err := invoke(t, f, event); err != nil || got != strings.ToUpper(event) {
			t.Errorf("answer is %q, %v", got, err)
		}
	}
	if _, err := invoke(t, f, "fail"); fault.KindOf(err) != fault.Internal || !strings.Contains(err.Error(), "as you wish") {
		t.Errorf("error is %v", err)
	}
	if got, err := invoke(t, f, "still there"); got != "STILL THERE" {
		t.Errorf("answer is %q, %v", got, err)
	}
}

func TestTheDeadlineIsTheCallers(t *testing.T) {
	f, err := start(t, "well")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	want, _ := ctx.Deadline()
	out, err := f.Invoke(ctx, []byte(`"deadline"`))
	if err != nil || string(out) != `"`+want.UTC().Format(time.RFC3339)+`"` {
		t.Errorf("deadline is %s, %v, want %s", out, err, want)
	}
}

func TestAFunctionThatEndsIsSeen(t *testing.T) {
	for event, status := range map[string]string{"panic": "", "exit": "exit status 4"} {
		t.Run(event, func(t *testing.T) {
			f, err := start(t, "well")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := invoke(t, f, event); err == nil || !strings.Contains(err.Error(), status) {
				t.Errorf("error is %v", err)
			}
			if _, err := invoke(t, f, "tea"); fault.KindOf(err) != fault.Unavailable {
				t.Errorf("error of a function that is gone is %v", err)
			}
		})
	}
}

func TestAFunctionThatCannotStartShowsItsLog(t *testing.T) {
	_, err := start(t, "broken")
	if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "no TABLE_NAME") {
		t.Errorf("error is %v", err)
	}
}

func TestWhatIsNoBootstrapIsRefused(t *testing.T) {
	if _, err := smoke.Start(t.Context(), t.TempDir()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("error is %v", err)
	}
}
