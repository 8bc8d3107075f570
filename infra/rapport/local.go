package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"rapport/infra/cloud"
	"rapport/shared/fault"
)

// localCommand runs the local cloud behind a port of this machine.
type localCommand struct {
	place
	Port    int  `default:"8080" env:"PORT" help:"Port on 127.0.0.1; 0 takes a free one."`
	Verbose bool `short:"v" help:"Log what the functions do."`
}

// Help implements kong.HelpProvider.
func (localCommand) Help() string {
	return `The functions of template.yaml run in this one process, behind real routes, queues and schedules. State survives restarts; remove the data folder to begin anew.

Examples:
  rapport local
  PORT=3000 RAPPORT_DATA=/tmp/try rapport local
  curl -X POST 127.0.0.1:8080/local/clock -d '{"advance":"24h"}'`
}

// Patience and room for clients, and patience with what is on its way at the end.
const (
	headerTime   = 10 * time.Second
	headerBytes  = 10 << 10 // as API Gateway; net/http allows a little more
	shutdownTime = 5 * time.Second
)

// Run implements the command: it serves until ctx ends.
func (c localCommand) Run(ctx context.Context, t terminal) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port)))
	if err != nil {
		return fault.New(fault.Unavailable, "port_in_use", "port %d is taken: stop what listens there, or set PORT to another", c.Port).Because(err)
	}
	defer func() { _ = listener.Close() }() // the server may have closed it
	level := slog.LevelWarn
	if c.Verbose {
		level = slog.LevelInfo
	}
	log := slog.New(slog.NewTextHandler(t.err, &slog.HandlerOptions{Level: level}))
	running, err := c.open(log, "http://"+listener.Addr().String())
	if err != nil {
		return err
	}
	workers, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	go running.Run(workers)
	err = serve(ctx, listener, running, func() { c.greet(t, listener.Addr()) })
	stop()
	return errors.Join(err, running.Close())
}

// serve answers requests until ctx ends, then lets those on their way finish.
func serve(ctx context.Context, listener net.Listener, c *cloud.Cloud, ready func()) error {
	server := &http.Server{Handler: c.Handler(), ReadHeaderTimeout: headerTime, MaxHeaderBytes: headerBytes}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	if err := c.Settle(ctx); err != nil { // what an earlier run left in the queues
		slog.Warn("not all work of an earlier run could be finished", "error", err)
	}
	ready()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	return server.Shutdown(last)
}

// greet says where to look.
func (c localCommand) greet(t terminal, at net.Addr) {
	url := "http://" + at.String()
	secret := c.SecretKey
	if os.Getenv("RAPPORT_SECRET_KEY") != "" {
		secret = "$RAPPORT_SECRET_KEY"
	}
	state := "State is kept in " + c.Data
	if c.Endpoint != "" {
		state = fmt.Sprintf("The table %s is kept by %s, queues and clock in %s", c.TableName, c.Endpoint, c.Data)
	}
	fmt.Fprintf(t.out, `Rapport is ready.
  shop      %s/
  outbox    %s/local/outbox/
  meter     %s/local/meter
  console   %s/console/people (user: %s, no password)
  customer  curl -u %s: %s/v1/people/userId:u1
%s. Ctrl-C ends it.
`, url, url, url, url, secret, secret, url, state)
}
