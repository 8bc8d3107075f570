package cloud

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"rapport/shared/fault"
)

// wire builds what the template names, and nothing else.
func (c *Cloud) wire(wanted *template) error {
	for _, spec := range wanted.Queues {
		if err := c.openQueue(spec); err != nil {
			return err
		}
	}
	for _, spec := range wanted.Queues {
		c.queues[spec.ID].dead = c.queues[spec.Dead]
	}
	c.bus = &bus{store: c.store, clock: c.clock, meter: c.meter, consumers: map[*queue]string{}}
	c.outbox = &outbox{store: c.store, clock: c.clock, meter: c.meter, bus: c.bus, sets: wanted.Sets, feedback: wanted.Feedback}
	c.gateway = &gateway{clock: c.clock, meter: c.meter}
	var problems []error
	for _, spec := range wanted.Functions {
		if err := c.build(spec); err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	for _, spec := range wanted.Functions {
		c.connect(spec)
	}
	sortRoutes(c.gateway.routes)
	return c.bind(wanted)
}

func (c *Cloud) openQueue(spec queueSpec) error {
	q, err := openQueue(spec, c.store, c.clock.Now, c.settled)
	c.queues[spec.ID] = q
	return err
}

func (c *Cloud) build(spec functionSpec) error {
	builder := c.config.Functions[spec.ID]
	if builder == nil {
		return fault.New(fault.Invalid, "no_function",
			"nothing implements %s: add it to infra/cloud/functions.go, or take it out of the template", spec.ID).
			In(fmt.Sprintf("%s:%d", filepath.Base(c.config.Template), spec.Line))
	}
	c.meter.knows(spec)
	log := c.meter.countLogs(c.log.With("function", spec.ID), spec.ID)
	env := Env{
		Table: c.table, Strategy: c.strategies.reader(), Now: c.clock.Now, Log: log,
		function: spec, cloud: c,
	}
	instances := &sandboxes{build: func() (lambda.Handler, error) { return builder(env) }}
	first, err := instances.take()
	if err != nil {
		return err
	}
	instances.give(first)
	c.functions[spec.ID] = &function{spec: spec, handler: instances, meter: c.meter, log: log}
	return nil
}

// connect adds what invokes a function: routes, queues, schedules.
func (c *Cloud) connect(spec functionSpec) {
	f := c.functions[spec.ID]
	for _, r := range spec.Routes {
		c.gateway.routes = append(c.gateway.routes, route{spec: r, segments: strings.Split(r.Path, "/"), function: f})
	}
	for _, s := range spec.Sources {
		if s.Workers == 0 {
			s.Workers = defaultWorkers
		}
		c.bus.consumers[c.queues[s.Queue]] = spec.ID
		c.sources = append(c.sources, &source{queue: c.queues[s.Queue], function: f, spec: s, meter: c.meter})
	}
	for _, s := range spec.Schedules {
		if !s.Paused {
			c.schedules.all = append(c.schedules.all, &schedule{spec: s, function: f})
		}
	}
}

// bind leads rules to their targets. A function is reached through a queue of
// its own, which tries again as Lambda's asynchronous invocation does.
func (c *Cloud) bind(wanted *template) error {
	for _, spec := range wanted.Rules {
		rule := boundRule{spec: spec}
		for _, t := range spec.Targets {
			q := c.queues[t.Queue]
			if t.Function != "" {
				var err error
				if q, err = c.asynchronous(c.functions[t.Function]); err != nil {
					return err
				}
			}
			rule.queues = append(rule.queues, q)
		}
		c.bus.rules = append(c.bus.rules, rule)
	}
	return nil
}

// asynchronous is the queue in front of a function that events invoke.
func (c *Cloud) asynchronous(f *function) (*queue, error) {
	id := f.spec.ID + "-asynchronous"
	if q := c.queues[id]; q != nil {
		return q, nil
	}
	spec := queueSpec{ID: id, Visibility: time.Minute, MaxBytes: 1 << 20, MaxReceives: f.spec.Retries + 1}
	if err := c.openQueue(spec); err != nil {
		return nil, err
	}
	c.queues[id].dead = c.queues[f.spec.OnFailure]
	c.sources = append(c.sources, &source{
		queue: c.queues[id], function: f, spec: sourceSpec{Queue: id, Batch: 1, Workers: defaultWorkers}, bare: true, meter: c.meter,
	})
	return c.queues[id], nil
}
