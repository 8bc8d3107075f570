package cloud

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"rapport/shared/fault"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// Builder makes one function's handler from what the local cloud offers. It is
// to the laptop what the function's lambda/main.go is to AWS, and runs once for
// each invocation that must run beside the others.
type Builder func(Env) (lambda.Handler, error)

// Env is what a function finds around it.
type Env struct {
	Table    table.Table
	Strategy *strategy.Reader
	Now      func() time.Time // virtual
	Log      *slog.Logger

	function functionSpec
	cloud    *Cloud
}

// Sender sends messages to one queue; nil means that all of them are stored.
type Sender interface {
	Send(ctx context.Context, messages ...string) error
}

// Variable is an environment variable of the template.
//
// Errors: kind Invalid (code no_variable) when the template does not set it.
func (e Env) Variable(name string) (string, error) {
	if value := e.setting(name); value != "" {
		return value, nil
	}
	return "", fault.New(fault.Invalid, "no_variable", "%s needs the environment variable %s: set it in the template", e.function.ID, name).In(name)
}

// setting is an environment variable that may be empty.
func (e Env) setting(name string) string { return e.function.Env[name] }

// Queue is the queue whose URL stands in an environment variable.
func (e Env) Queue(variable string) (Sender, error) {
	url, err := e.Variable(variable)
	if err != nil {
		return nil, err
	}
	for _, q := range e.cloud.queues {
		if queueURL(q.spec.ID) == url {
			return meteredQueue{q, e.cloud.meter, e.function.ID}, nil
		}
	}
	return nil, fault.New(fault.Invalid, "no_queue", "%s of %s is no queue of the template: use !Ref", variable, e.function.ID).In(variable)
}

// Bus is the event bus whose name stands in an environment variable.
func (e Env) Bus(variable string) (*Bus, error) {
	name, err := e.Variable(variable)
	if err != nil {
		return nil, err
	}
	return &Bus{bus: e.cloud.bus, name: name, function: e.function.ID}, nil
}

// Mailer sends mail through the configuration set whose name stands in an
// environment variable.
func (e Env) Mailer(variable string) (*Mailer, error) {
	name, err := e.Variable(variable)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(e.cloud.outbox.sets, name) {
		return nil, fault.New(fault.Invalid, "no_configuration_set", "%s of %s is no configuration set of the template: use !Ref", variable, e.function.ID).In(variable)
	}
	return &Mailer{outbox: e.cloud.outbox, set: name, function: e.function.ID}, nil
}

// meteredQueue bills what a function sends.
type meteredQueue struct {
	queue    *queue
	meter    *meter
	function string
}

// Send implements Sender.
func (m meteredQueue) Send(ctx context.Context, messages ...string) error {
	m.meter.Send(m.function, queueRequests(messages))
	return m.queue.Send(ctx, messages...)
}
