package cloud

import (
	"bytes"
	"context"
	"sync"

	"github.com/aws/aws-lambda-go/lambda"
)

// sandboxes are the instances of one function. As on AWS each serves one
// invocation at a time; more are built when all are busy. Handlers made by
// lambda.NewHandler need that: the bytes that Invoke returns stand in a buffer
// which the next Invoke of the same handler overwrites.
type sandboxes struct {
	build func() (lambda.Handler, error)
	mu    sync.Mutex
	idle  []lambda.Handler
}

// Invoke runs the payload in an idle sandbox or a new one.
func (s *sandboxes) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	handler, err := s.take()
	if err != nil {
		return nil, err
	}
	// A sandbox whose handler panics is not used again, as on AWS.
	answer, err := handler.Invoke(ctx, payload)
	answer = bytes.Clone(answer)
	s.give(handler)
	return answer, err
}

// take removes the sandbox that was used last, which is the warmest.
func (s *sandboxes) take() (lambda.Handler, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.idle); n > 0 {
		handler := s.idle[n-1]
		s.idle = s.idle[:n-1]
		return handler, nil
	}
	return s.build()
}

func (s *sandboxes) give(handler lambda.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = append(s.idle, handler)
}
