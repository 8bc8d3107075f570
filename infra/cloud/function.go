package cloud

import (
	"encoding/json"
	"maps"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// Properties of a function that decide how AWS builds and guards it and change
// nothing about a local run, but for what the meter counts, stand in the second
// half.
var functionProperties = []string{
	"MemorySize", "Timeout", "Environment", "Events", "EventInvokeConfig",

	"CodeUri", "Handler", "Runtime", "Architectures", "Role", "Policies", "LoggingConfig", "Tracing",
	"Description", "FunctionName", "ReservedConcurrentExecutions", "EphemeralStorage", "Tags",
}

func (p *parser) function(key, properties, globals *yaml.Node) {
	p.only(properties, "a function", functionProperties...)
	p.only(globals, "Globals.Function", functionProperties...)
	either := func(name string) *yaml.Node {
		if own := get(properties, name); own != nil {
			return own
		}
		return get(globals, name)
	}
	f := functionSpec{ID: key.Value, Line: key.Line, Env: map[string]string{}, Retries: 2}
	f.Memory = p.number(either("MemorySize"), 128)
	f.Timeout = time.Duration(p.number(either("Timeout"), 3)) * time.Second
	for _, node := range []*yaml.Node{globals, properties} {
		maps.Copy(f.Env, p.variables(get(node, "Environment")))
	}
	f.Traced = p.textOr(either("Tracing"), "PassThrough") == "Active"
	f.Reports = p.textOr(p.logging(globals, properties, "SystemLogLevel"), "INFO") != "WARN"
	p.invokeConfig(&f, either("EventInvokeConfig"))
	for _, event := range pairs(get(properties, "Events")) {
		p.event(&f, event)
	}
	p.out.Functions = append(p.out.Functions, f)
}

func (p *parser) variables(environment *yaml.Node) map[string]string {
	p.only(environment, "an environment", "Variables")
	out := map[string]string{}
	for _, v := range pairs(get(environment, "Variables")) {
		out[v.key.Value] = p.text(v.value)
	}
	return out
}

// logging is a part of LoggingConfig, whose own and global parts SAM merges.
func (p *parser) logging(globals, properties *yaml.Node, name string) *yaml.Node {
	if own := get(get(properties, "LoggingConfig"), name); own != nil {
		return own
	}
	return get(get(globals, "LoggingConfig"), name)
}

func (p *parser) invokeConfig(f *functionSpec, node *yaml.Node) {
	p.only(node, "EventInvokeConfig", "MaximumEventAgeInSeconds", "MaximumRetryAttempts", "DestinationConfig")
	f.Retries = p.number(get(node, "MaximumRetryAttempts"), 2)
	destinations := get(node, "DestinationConfig")
	p.only(destinations, "DestinationConfig", "OnFailure")
	failure := get(destinations, "OnFailure")
	if failure == nil {
		return
	}
	p.only(failure, "OnFailure", "Type", "Destination")
	f.OnFailure = p.queueNamed(get(failure, "Destination"), failure)
}

func (p *parser) event(f *functionSpec, event pair) {
	properties := get(event.value, "Properties")
	switch kind := typeOf(event.value); kind {
	case "HttpApi":
		p.only(properties, "an HttpApi event", "ApiId", "Path", "Method", "TimeoutInMillis", "PayloadFormatVersion")
		p.route(f, event.value, properties)
	case "SQS":
		p.only(properties, "an SQS event", "Queue", "BatchSize", "FunctionResponseTypes", "ScalingConfig", "MaximumBatchingWindowInSeconds")
		p.source(f, event.value, properties)
	case "Schedule":
		p.only(properties, "a Schedule event", "Schedule", "Input", "Enabled", "State", "Name", "Description", "DeadLetterConfig", "RetryPolicy")
		p.schedule(f, event, properties, get(properties, "Schedule"))
	case "ScheduleV2":
		p.only(properties, "a ScheduleV2 event", "ScheduleExpression", "Input", "State", "Name", "Description",
			"DeadLetterConfig", "RetryPolicy", "FlexibleTimeWindow", "ScheduleExpressionTimezone", "RoleArn")
		p.schedule(f, event, properties, get(properties, "ScheduleExpression"))
	case "EventBridgeRule", "CloudWatchEvent":
		p.only(properties, "an EventBridgeRule event", "Pattern", "EventBusName", "State", "RuleName", "DeadLetterConfig", "RetryPolicy", "Target")
		if p.textOr(get(properties, "State"), "ENABLED") == "ENABLED" {
			p.out.Rules = append(p.out.Rules, ruleSpec{
				ID: f.ID + event.key.Value, Bus: p.textOr(get(properties, "EventBusName"), "default"),
				Pattern: p.pattern(get(properties, "Pattern"), event.value), Targets: []target{{Function: f.ID}},
			})
		}
	default:
		p.problem(event.key, "the local cloud does not know events of type %q: use HttpApi, SQS, Schedule or EventBridgeRule", kind)
	}
}

func (p *parser) route(f *functionSpec, near, properties *yaml.Node) {
	path := p.textOr(get(properties, "Path"), "")
	if !strings.HasPrefix(path, "/") {
		p.problem(near, "a route needs a Path that begins with /")
		return
	}
	method := strings.ToUpper(p.textOr(get(properties, "Method"), "ANY"))
	f.Routes = append(f.Routes, routeSpec{Method: method, Path: path})
}

func (p *parser) source(f *functionSpec, near, properties *yaml.Node) {
	s := sourceSpec{Queue: p.queueNamed(get(properties, "Queue"), near), Batch: p.number(get(properties, "BatchSize"), 10)}
	if s.Batch < 1 {
		p.problem(near, "BatchSize must be 1 or more")
	}
	for _, kind := range items(get(properties, "FunctionResponseTypes")) {
		if p.text(kind) == "ReportBatchItemFailures" {
			s.Partial = true
		} else {
			p.problem(kind, "the local cloud knows no FunctionResponseTypes but ReportBatchItemFailures")
		}
	}
	s.Workers = p.number(get(get(properties, "ScalingConfig"), "MaximumConcurrency"), 0)
	f.Sources = append(f.Sources, s)
}

func (p *parser) schedule(f *functionSpec, event pair, properties, expression *yaml.Node) {
	every, err := parseRate(p.textOr(expression, ""))
	if err != nil {
		p.problem(event.key, "%s", err.Error())
		return
	}
	input := p.textOr(get(properties, "Input"), "")
	if input != "" && !json.Valid([]byte(input)) {
		p.problem(event.key, "Input must be JSON")
	}
	paused := p.textOr(get(properties, "Enabled"), "true") == "false" || p.textOr(get(properties, "State"), "ENABLED") == "DISABLED"
	f.Schedules = append(f.Schedules, scheduleSpec{ID: f.ID + event.key.Value, Every: every, Input: input, Paused: paused})
}
