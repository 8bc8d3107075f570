package cloud_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"

	"rapport/infra/cloud"
)

func TestInvocationsSideBySideKeepTheirAnswersApart(t *testing.T) {
	var mu sync.Mutex
	built := 0
	s := play(t, t.TempDir(), frontDoor, map[string]cloud.Builder{"EchoFunction": func(cloud.Env) (lambda.Handler, error) {
		mu.Lock()
		defer mu.Unlock()
		built++
		busy := make(chan struct{}, 1)
		return lambda.NewHandler(func(_ context.Context, ev struct{ Body string }) (map[string]any, error) {
			select {
			case busy <- struct{}{}:
			default:
				t.Error("two invocations in one sandbox")
			}
			defer func() { <-busy }()
			return map[string]any{"statusCode": 200, "body": ev.Body}, nil
		}), nil
	}})
	var callers sync.WaitGroup
	for i := range 8 {
		callers.Go(func() {
			for j := range 50 {
				want := fmt.Sprintf("caller %d, call %d", i, j)
				if got, _ := io.ReadAll(s.ask(post("/v1/track", want)).Body); string(got) != want {
					t.Errorf("answer is %q, want %q", got, want)
				}
			}
		})
	}
	callers.Wait()
	if built < 1 || built > 9 {
		t.Errorf("%d sandboxes were built for 8 callers", built)
	}
}
