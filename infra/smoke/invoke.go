package smoke

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"rapport/infra/engines"
	"rapport/infra/policy"
	"rapport/infra/publish"
	"rapport/shared/aws/dynamo"
	"rapport/shared/fault"
	"rapport/shared/strategy"
)

// Invocation is one call of one real bootstrap in an account on this machine.
type Invocation struct {
	Root     string // the top of the repository
	Function string // as in functions/: "decide"
	Event    []byte // as AWS would deliver it
	Strategy string // folder of the strategy, which is published first
	Dynamo   string // URL of a DynamoDB engine whose table is kept; "" starts one for this call
}

// Outcome is what came of an invocation.
type Outcome struct {
	Answer []byte
	Log    string       // what the function wrote
	Calls  map[Call]int // what it asked of AWS, and how often
	Took   time.Duration
}

// Run builds the function, starts it and hands it the event. What it sends to
// queues, bus and SES is taken and goes nowhere.
//
// Errors: kind NotFound (codes no_function, no_template, engine_not_installed),
// Invalid (not_built, strategy_invalid), Unavailable, and Internal (code
// function_failed) when the function reports an error; the outcome then still
// has its log.
func (i Invocation) Run(ctx context.Context) (Outcome, error) {
	deployment, err := policy.Read(os.DirFS(i.Root))
	if err != nil {
		return Outcome{}, err
	}
	id := functionID(i.Function)
	if deployment.Timeout(id) == 0 {
		names := strings.ToLower(strings.ReplaceAll(strings.Join(deployment.Functions(), ", "), "Function", ""))
		return Outcome{}, fault.New(fault.NotFound, "no_function", "there is no function %q: name one of %s", i.Function, names)
	}
	dir, err := os.MkdirTemp("", "rapport-invoke-")
	if err != nil {
		return Outcome{}, fault.New(fault.Unavailable, "no_space", "make room in the folder for temporary files").Because(err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // the system cleans up what is left
	bootstrap := filepath.Join(dir, "bootstrap")
	if err := Build(ctx, i.Root, "./functions/"+i.Function+"/lambda", runtime.GOARCH, bootstrap); err != nil {
		return Outcome{}, err
	}
	engine, stop, err := i.engine(ctx)
	if err != nil {
		return Outcome{}, err
	}
	defer stop()
	return i.call(ctx, bootstrap, engine, Variables(deployment, id), time.Duration(deployment.Timeout(id))*time.Second)
}

func functionID(function string) string {
	if function == "" {
		return ""
	}
	return strings.ToUpper(function[:1]) + function[1:] + "Function"
}

// tableID is the logical id of the table, by which it is called here.
const tableID = "Table"

// engine returns the URL of DynamoDB with a table that has the strategy.
func (i Invocation) engine(ctx context.Context) (endpoint string, stop func(), err error) {
	endpoint, stop = i.Dynamo, func() {}
	if endpoint == "" {
		engine, err := engines.Start(ctx, i.Root, "dynoxide")
		if err != nil {
			return "", stop, err
		}
		endpoint, stop = engine.Endpoint, func() { _ = engine.Close() } // its tables go with it
	}
	if err := i.fill(ctx, endpoint); err != nil {
		stop()
		return "", stop, err
	}
	return endpoint, stop, nil
}

// fill makes the table unless it is there, and publishes the strategy.
func (i Invocation) fill(ctx context.Context, endpoint string) error {
	schema, err := engines.ReadSchema(i.Root)
	if err != nil {
		return err
	}
	if err := schema.Create(ctx, endpoint, tableID); err != nil {
		return err
	}
	document, problems := publish.Load(i.Strategy)
	for _, p := range problems {
		if !p.Warning {
			return fault.New(fault.Invalid, "strategy_invalid", "mend the strategy, see rapport validate: %v", p)
		}
	}
	return strategy.Publish(ctx, dynamo.New(dynamo.NewEngineClient(engines.Region, endpoint), tableID, time.Now), document, time.Now())
}

// call runs the bootstrap before a recorder of all that it asks for.
func (i Invocation) call(ctx context.Context, bootstrap, engine string, variables map[string]string, limit time.Duration) (Outcome, error) {
	behind, err := url.Parse(engine)
	if err != nil {
		return Outcome{}, fault.New(fault.Invalid, "no_endpoint", "%q is not a URL", engine).Because(err)
	}
	table, roads := NewRecorder(httputil.NewSingleHostReverseProxy(behind)), NewRecorder(&Roads{})
	var at Endpoints
	for _, s := range []struct {
		url     *string
		handler http.Handler
	}{{&at.Dynamo, table}, {&at.Roads, roads}} {
		server, err := serve(ctx, s.handler, s.url)
		if err != nil {
			return Outcome{}, err
		}
		defer func() { _ = server.Close() }() // nobody is left to be told
	}
	f, err := Start(ctx, bootstrap, at.Environment(variables)...)
	if err != nil {
		return Outcome{}, err
	}
	defer f.Stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began := time.Now()
	answer, err := f.Invoke(ctx, i.Event)
	took := time.Since(began)
	f.Stop() // what it wrote is on its way until it has ended
	out := Outcome{Answer: answer, Log: f.Log(), Calls: table.Calls(), Took: took}
	for c, n := range roads.Calls() {
		out.Calls[c] += n
	}
	return out, err
}

// serve answers on a free port, and says at which URL.
func serve(ctx context.Context, h http.Handler, address *string) (*http.Server, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fault.New(fault.Unavailable, "no_port", "no port is free on this machine: close something").Because(err)
	}
	*address = "http://" + listener.Addr().String()
	server := &http.Server{Handler: h, ReadHeaderTimeout: patience}
	go func() { _ = server.Serve(listener) }() // it ends with Close
	return server, nil
}
