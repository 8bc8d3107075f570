package policy

// function is a resource with what Globals give it.
type function struct {
	resource
	globals map[string]any
}

const functionType = "AWS::Serverless::Function"

func (d *Deployment) functions() []function {
	globals := object(at(d.template, "Globals", "Function"))
	var out []function
	for _, r := range d.kind(functionType) {
		out = append(out, function{r, globals})
	}
	return out
}

// setting is a property of the function's own, else that of Globals.
func (f function) setting(name string) any {
	if own := f.properties[name]; own != nil {
		return own
	}
	return f.globals[name]
}

// events are the function's events of a type, by name.
func (f function) events(kind string) map[string]map[string]any {
	out := map[string]map[string]any{}
	for name, e := range object(f.properties["Events"]) {
		if text(at(e, "Type")) == kind {
			out[name] = object(at(e, "Properties"))
		}
	}
	return out
}

// scheduled are the kinds of event by which Lambda calls a function on its own
// account, so that a failure has nobody to tell.
var scheduled = []string{"Schedule", "ScheduleV2", "EventBridgeRule", "CloudWatchEvent"}

// described holds the rule that whoever deploys is told what each parameter
// means, and whoever has deployed what each output is good for.
func described(d *Deployment, bad report) {
	for _, section := range []string{"Parameters", "Outputs"} {
		for id, entry := range object(d.template[section]) {
			if text(at(entry, "Description")) == "" {
				bad(id, "has no Description; say what it is good for")
			}
		}
	}
}

// runtime holds the rule that every function is a Go binary for Graviton.
func runtime(d *Deployment, bad report) {
	for _, f := range d.functions() {
		if got := list(f.setting("Architectures")); len(got) != 1 || got[0] != "arm64" {
			bad(f.id, "runs on %v; write Architectures: [arm64], which costs a fifth less", got)
		}
		for name, want := range map[string]string{"Runtime": "provided.al2023", "Handler": "bootstrap"} {
			if got := text(f.setting(name)); got != want {
				bad(f.id, "has %s %q; write %s", name, got, want)
			}
		}
		if got := text(at(f.whole, "Metadata", "BuildMethod")); got != "go1.x" {
			bad(f.id, "has BuildMethod %q; write go1.x, or sam build cannot build it", got)
		}
	}
}

// concurrency holds the rule that nothing runs, or is kept from others, while
// nobody visits: a new account has ten concurrent executions in all.
func concurrency(d *Deployment, bad report) {
	for _, f := range d.functions() {
		for _, name := range []string{"ReservedConcurrentExecutions", "ProvisionedConcurrencyConfig"} {
			if f.setting(name) != nil {
				bad(f.id, "has %s; remove it, and bound a queue's consumers by ScalingConfig", name)
			}
		}
	}
}

// What SQS and API Gateway ask of a time-out, in seconds.
const (
	visibilityFactor = 6  // the queue's visibility time-out over the function's
	maxHTTPTimeout   = 29 // API Gateway gives up after 30
)

// timeouts holds the rule that whoever calls waits for longer than the function
// may run: a message is not delivered again while it is worked on.
func timeouts(d *Deployment, bad report) {
	for _, f := range d.functions() {
		own, ok := f.setting("Timeout").(int)
		if !ok {
			bad(f.id, "has no Timeout; write one in seconds")
			continue
		}
		if len(f.events("HttpApi")) > 0 && own > maxHTTPTimeout {
			bad(f.id, "may run for %d seconds; API Gateway waits for 30: write at most %d", own, maxHTTPTimeout)
		}
		for name, e := range f.events("SQS") {
			queue := target(e["Queue"])
			hidden, ok := d.resources[queue].properties["VisibilityTimeout"].(int)
			if !ok || hidden < visibilityFactor*own {
				bad(f.id, "(%s) may run for %d seconds, and %s hides messages for %d: write at least %d there", name, own, queue, hidden, visibilityFactor*own)
			}
		}
	}
}

// partialFailures holds the rule that one bad message does not bring its whole
// batch back.
func partialFailures(d *Deployment, bad report) {
	for _, f := range d.functions() {
		for name, e := range f.events("SQS") {
			if kinds := list(e["FunctionResponseTypes"]); len(kinds) != 1 || kinds[0] != "ReportBatchItemFailures" {
				bad(f.id, "(%s) fails as a whole batch; write FunctionResponseTypes: [ReportBatchItemFailures]", name)
			}
		}
	}
}

// logs holds the rule that logs are JSON and end some day.
func logs(d *Deployment, bad report) {
	for _, f := range d.functions() {
		own := object(f.properties["LoggingConfig"])
		group := d.resources[target(own["LogGroup"])]
		switch {
		case group.kind != "AWS::Logs::LogGroup":
			bad(f.id, "has no log group of this template; without one Lambda makes one that keeps logs for ever")
		case group.properties["RetentionInDays"] == nil:
			bad(group.id, "keeps logs for ever; write RetentionInDays: !Ref LogRetention")
		}
		if format := own["LogFormat"]; format != "JSON" && (format != nil || at(f.globals, "LoggingConfig", "LogFormat") != "JSON") {
			bad(f.id, "does not log JSON; write LogFormat: JSON in Globals")
		}
	}
}
