package cloud

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"rapport/shared/fault"
)

// template is what a SAM template asks for, every reference resolved. Queues,
// functions and buses are named by their logical ids.
type template struct {
	Functions []functionSpec
	Queues    []queueSpec
	Buses     []busSpec
	Rules     []ruleSpec
	Sets      []string // names of SES configuration sets
	Feedback  []feedbackSpec

	Parameters []string // the names of those that it declares
}

// queueSpec is an AWS::SQS::Queue.
type queueSpec struct {
	ID          string
	ARN         string
	Visibility  time.Duration // how long a received message stays hidden
	Delay       time.Duration // how long a new message stays hidden
	MaxBytes    int           // of one message
	MaxReceives int           // 0: there is no dead-letter queue
	Dead        string        // id of the dead-letter queue, or ""
}

// busSpec is an AWS::Events::EventBus.
type busSpec struct{ ID, Name string }

// ruleSpec sends events of a bus that match a pattern to targets.
type ruleSpec struct {
	ID      string
	Bus     string // the bus's name
	Pattern pattern
	Targets []target
}

// target is where a rule sends an event: exactly one of the two is set.
type target struct{ Queue, Function string }

// functionSpec is an AWS::Serverless::Function.
type functionSpec struct {
	ID        string
	Line      int
	Memory    int  // MB
	Reports   bool // Lambda logs the start and the end of each invocation
	Traced    bool // X-Ray samples invocations
	Timeout   time.Duration
	Env       map[string]string
	Routes    []routeSpec
	Sources   []sourceSpec
	Schedules []scheduleSpec
	Retries   int    // of an asynchronous invocation
	OnFailure string // queue id for asynchronous invocations that failed for good, or ""
}

// routeSpec is an HttpApi event: Method is upper case or "ANY".
type routeSpec struct{ Method, Path string }

// sourceSpec is an SQS event: the queue that feeds the function.
type sourceSpec struct {
	Queue   string
	Batch   int
	Partial bool // ReportBatchItemFailures
	Workers int  // 0: the default
}

// scheduleSpec is a Schedule event.
type scheduleSpec struct {
	ID     string
	Every  time.Duration
	Input  string // JSON that replaces the scheduled event, or ""
	Paused bool
}

// inert are resources that mean nothing on a laptop: permissions, places for
// logs, and nested templates, which hold only what watches the others.
var inert = []string{
	"AWS::IAM::Role", "AWS::Logs::LogGroup", "AWS::SQS::QueuePolicy",
	"AWS::Lambda::Permission", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard",
	"AWS::CloudFormation::Stack",
}

// parser reads a template and gathers everything that is wrong with it.
type parser struct {
	resolver
	out template
}

// readTemplate reads the SAM template at path. Parameters that it declares take
// their value from the map, else their default. Its error joins one
// *fault.Error of kind Invalid (code template_unsupported) for each thing that
// the local cloud cannot do, with file and line as the field.
//
// Endpoint is where the API of the template will answer.
func readTemplate(path, endpoint string, parameters map[string]string) (*template, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.New(fault.NotFound, "no_template",
			"there is no template at %s: run this in the repository, or name the template", path).Because(err)
	}
	return parseTemplate(filepath.Base(path), data, endpoint, parameters)
}

func parseTemplate(file string, data []byte, endpoint string, parameters map[string]string) (*template, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return nil, fault.New(fault.Malformed, "template_unreadable", "the template is not YAML: mend it").In(file).Because(err)
	}
	p := &parser{resolver: resolver{file: file, endpoint: endpoint, resources: map[string]*yaml.Node{}, parameters: map[string]string{}}}
	if len(document.Content) == 1 {
		p.sections(document.Content[0], parameters)
	}
	if len(p.problems) > 0 {
		return nil, errors.Join(p.problems...)
	}
	return &p.out, nil
}

func (p *parser) sections(root *yaml.Node, parameters map[string]string) {
	p.only(root, "a template", "AWSTemplateFormatVersion", "Transform", "Description", "Metadata",
		"Parameters", "Globals", "Resources", "Outputs")
	for _, declared := range pairs(get(root, "Parameters")) {
		name := declared.key.Value
		p.out.Parameters = append(p.out.Parameters, name)
		if value, ok := parameters[name]; ok {
			p.parameters[name] = value
		} else if fallback := get(declared.value, "Default"); fallback != nil {
			p.parameters[name] = fallback.Value
		} else {
			p.problem(declared.key, "the parameter %s has no value: give it a Default", name)
		}
	}
	resources := pairs(get(root, "Resources"))
	for _, r := range resources {
		p.resources[r.key.Value] = r.value
	}
	globals := get(root, "Globals")
	p.only(globals, "Globals", "Function")
	for _, r := range resources {
		p.resource(r.key, r.value, get(globals, "Function"))
	}
}

func (p *parser) resource(key, node, globals *yaml.Node) {
	properties := get(node, "Properties")
	switch kind := typeOf(node); {
	case kind == "AWS::Serverless::Function":
		p.function(key, properties, globals)
	case kind == "AWS::SQS::Queue":
		p.queue(key, properties)
	case kind == "AWS::Events::EventBus":
		p.only(properties, "an event bus", "Name", "Description", "Tags")
		p.out.Buses = append(p.out.Buses, busSpec{ID: key.Value, Name: p.ref(key, key.Value)})
	case kind == "AWS::Events::Rule":
		p.rule(key.Value, properties)
	case kind == "AWS::Serverless::HttpApi":
		p.only(properties, "an HttpApi", "FailOnWarnings", "DisableExecuteApiEndpoint", "StageName", "Name", "Description", "Tags", "AccessLogSettings", "DefaultRouteSettings")
	case kind == "AWS::SES::ConfigurationSet":
		p.only(properties, "a configuration set", "Name", "ReputationOptions", "SuppressionOptions", "SendingOptions", "DeliveryOptions")
		p.out.Sets = append(p.out.Sets, p.ref(key, key.Value))
	case kind == "AWS::SES::ConfigurationSetEventDestination":
		p.feedback(key, properties)
	case kind == "AWS::DynamoDB::Table", slices.Contains(inert, kind):
	default:
		p.problem(key, "the local cloud does not know resources of type %q", kind)
	}
}

func (p *parser) queue(key, properties *yaml.Node) {
	p.only(properties, "a queue", "QueueName", "VisibilityTimeout", "DelaySeconds", "MaximumMessageSize",
		"MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds", "RedrivePolicy", "RedriveAllowPolicy",
		"SqsManagedSseEnabled", "KmsMasterKeyId", "Tags")
	q := queueSpec{ID: key.Value, ARN: p.attribute(key, key.Value, "Arn")}
	q.Visibility = time.Duration(p.number(get(properties, "VisibilityTimeout"), 30)) * time.Second
	q.Delay = time.Duration(p.number(get(properties, "DelaySeconds"), 0)) * time.Second
	q.MaxBytes = p.number(get(properties, "MaximumMessageSize"), 256<<10)
	if redrive := get(properties, "RedrivePolicy"); redrive != nil {
		p.only(redrive, "a redrive policy", "deadLetterTargetArn", "maxReceiveCount")
		q.Dead = p.queueNamed(get(redrive, "deadLetterTargetArn"), redrive)
		q.MaxReceives = p.number(get(redrive, "maxReceiveCount"), 0)
		if q.MaxReceives < 1 || q.Dead == q.ID {
			p.problem(redrive, "maxReceiveCount must be 1 or more, and the dead letters another queue")
		}
	}
	p.out.Queues = append(p.out.Queues, q)
}

// queueNamed resolves a queue's ARN or URL to its logical id.
func (p *parser) queueNamed(node, near *yaml.Node) string {
	if node == nil {
		p.problem(near, "a queue must be named here")
		return ""
	}
	text := p.text(node)
	for id, resource := range p.resources {
		if typeOf(resource) == "AWS::SQS::Queue" && (text == queueURL(id) || text == p.attribute(node, id, "Arn")) {
			return id
		}
	}
	p.problem(node, "%q is no queue of this template", text)
	return ""
}

func (p *parser) rule(id string, properties *yaml.Node) {
	p.only(properties, "a rule", "Name", "Description", "EventBusName", "EventPattern", "State", "Targets")
	r := ruleSpec{ID: id, Bus: p.textOr(get(properties, "EventBusName"), "default"), Pattern: p.pattern(get(properties, "EventPattern"), properties)}
	for _, t := range items(get(properties, "Targets")) {
		p.only(t, "a target", "Id", "Arn", "DeadLetterConfig", "RetryPolicy")
		r.Targets = append(r.Targets, p.target(get(t, "Arn"), t))
	}
	if p.textOr(get(properties, "State"), "ENABLED") == "ENABLED" {
		p.out.Rules = append(p.out.Rules, r)
	}
}

func (p *parser) target(node, near *yaml.Node) target {
	if node == nil {
		p.problem(near, "a target needs an Arn")
		return target{}
	}
	text := p.text(node)
	for id, resource := range p.resources {
		if typeOf(resource) == "AWS::Serverless::Function" && text == p.attribute(node, id, "Arn") {
			return target{Function: id}
		}
	}
	return target{Queue: p.queueNamed(node, near)}
}

func (p *parser) pattern(node, near *yaml.Node) pattern {
	if node == nil {
		p.problem(near, "a rule needs a pattern")
		return pattern{}
	}
	compiled, err := compilePattern(p.value(node))
	if err != nil {
		p.problem(node, "%s", strings.TrimSpace(err.Error()))
	}
	return compiled
}
