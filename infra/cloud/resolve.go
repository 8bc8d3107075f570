package cloud

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"rapport/shared/fault"
)

// What the pseudo parameters are on a laptop.
var pseudo = map[string]string{
	"AWS::AccountId": account,
	"AWS::Partition": "aws",
	"AWS::Region":    region,
	"AWS::StackName": "rapport",
	"AWS::URLSuffix": "local",
}

const (
	account = "000000000000"
	region  = "local"
)

// resolver turns references (Ref, GetAtt, Sub, Join) into text. It remembers
// every problem, so that one look at a template tells them all.
type resolver struct {
	file       string
	endpoint   string // where the API answers
	resources  map[string]*yaml.Node
	parameters map[string]string
	problems   []error
}

func (r *resolver) problem(at *yaml.Node, format string, args ...any) {
	place := fmt.Sprintf("%s:%d", r.file, at.Line)
	r.problems = append(r.problems, fault.New(fault.Invalid, "template_unsupported", format, args...).In(place))
}

// only complains about keys that the local cloud does not know: leaving one out
// silently would make the laptop differ from AWS.
func (r *resolver) only(node *yaml.Node, what string, keys ...string) {
	for _, p := range pairs(node) {
		if !slices.Contains(keys, p.key.Value) {
			r.problem(p.key, "the local cloud does not know %s in %s", p.key.Value, what)
		}
	}
}

// text is the node as text, references resolved.
func (r *resolver) text(node *yaml.Node) string {
	value := r.value(node)
	switch v := value.(type) {
	case string:
		return v
	case nil:
		return ""
	case map[string]any, []any:
		r.problem(node, "a single value is expected here")
		return ""
	default:
		return fmt.Sprint(v)
	}
}

func (r *resolver) textOr(node *yaml.Node, fallback string) string {
	if node == nil {
		return fallback
	}
	return r.text(node)
}

func (r *resolver) number(node *yaml.Node, fallback int) int {
	if node == nil {
		return fallback
	}
	n, err := strconv.Atoi(r.text(node))
	if err != nil || n < 0 {
		r.problem(node, "a whole number is expected here, 0 or more")
	}
	return n
}

// value is the node as JSON would hold it: maps, lists, text, float64, bool, nil.
func (r *resolver) value(node *yaml.Node) any {
	if name, argument := intrinsic(node); name != "" {
		return r.call(node, name, argument)
	}
	switch node.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		for _, p := range pairs(node) {
			out[p.key.Value] = r.value(p.value)
		}
		return out
	case yaml.SequenceNode:
		out := make([]any, 0, len(node.Content))
		for _, item := range node.Content {
			out = append(out, r.value(item))
		}
		return out
	case yaml.AliasNode:
		return r.value(node.Alias)
	default:
		return r.scalar(node)
	}
}

func (r *resolver) scalar(node *yaml.Node) any {
	switch node.ShortTag() {
	case "!!int", "!!float":
		if n, err := strconv.ParseFloat(node.Value, 64); err == nil {
			return n
		}
	case "!!bool":
		return node.Value == "true"
	case "!!null":
		return nil
	}
	return node.Value
}

// intrinsic names the function that a node calls, in its short form (!Sub) or
// its long one (Fn::Sub), and its argument; "" for plain data.
func intrinsic(node *yaml.Node) (string, *yaml.Node) {
	if strings.HasPrefix(node.Tag, "!") && !strings.HasPrefix(node.Tag, "!!") {
		return node.Tag[1:], node
	}
	if node.Kind != yaml.MappingNode || len(node.Content) != 2 {
		return "", nil
	}
	key := node.Content[0].Value
	if key == "Ref" {
		return key, node.Content[1]
	}
	if name, ok := strings.CutPrefix(key, "Fn::"); ok {
		return name, node.Content[1]
	}
	return "", nil
}

func (r *resolver) call(node *yaml.Node, name string, argument *yaml.Node) any {
	list := argument.Kind == yaml.SequenceNode
	switch {
	case name == "Ref" && !list:
		return r.ref(node, argument.Value)
	case name == "GetAtt" && !list:
		id, attribute, _ := strings.Cut(argument.Value, ".")
		return r.attribute(node, id, attribute)
	case name == "GetAtt" && len(argument.Content) == 2:
		return r.attribute(node, argument.Content[0].Value, argument.Content[1].Value)
	case name == "Sub" && !list:
		return r.substitute(node, argument.Value, nil)
	case name == "Sub" && len(argument.Content) == 2:
		return r.substitute(node, argument.Content[0].Value, argument.Content[1])
	case name == "Join" && list && len(argument.Content) == 2:
		var parts []string
		for _, item := range argument.Content[1].Content {
			parts = append(parts, r.text(item))
		}
		return strings.Join(parts, argument.Content[0].Value)
	default:
		r.problem(node, "the local cloud cannot resolve !%s here: use Ref, GetAtt, Sub or Join", name)
		return ""
	}
}

var placeholder = regexp.MustCompile(`\$\{[^}]*\}`)

// substitute fills ${…}: a name of its own map, a Ref, or a GetAtt with a dot.
func (r *resolver) substitute(node *yaml.Node, text string, own *yaml.Node) string {
	return placeholder.ReplaceAllStringFunc(text, func(match string) string {
		name := strings.TrimSpace(match[2 : len(match)-1])
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + literal + "}"
		}
		if value := get(own, name); value != nil {
			return r.text(value)
		}
		if id, attribute, ok := strings.Cut(name, "."); ok {
			return r.attribute(node, id, attribute)
		}
		return r.ref(node, name)
	})
}

// ref is what Ref answers: a parameter's value, a queue's URL, the name of a bus
// or configuration set, and the logical id of anything else.
func (r *resolver) ref(at *yaml.Node, id string) string {
	if value, ok := pseudo[id]; ok {
		return value
	}
	if value, ok := r.parameters[id]; ok {
		return value
	}
	resource := r.resources[id]
	switch {
	case resource == nil:
		r.problem(at, "there is no resource or parameter %q: declare it, or correct the name", id)
		return ""
	case typeOf(resource) == "AWS::SQS::Queue":
		return queueURL(id)
	case typeOf(resource) == "AWS::Events::EventBus", typeOf(resource) == "AWS::SES::ConfigurationSet":
		return r.textOr(get(get(resource, "Properties"), "Name"), id)
	default:
		return id
	}
}

// services are the names under which kinds of resource stand in ARNs.
var services = map[string]string{
	"AWS::SQS::Queue":           "sqs",
	"AWS::Events::EventBus":     "events",
	"AWS::Events::Rule":         "events",
	"AWS::Serverless::Function": "lambda",
	"AWS::DynamoDB::Table":      "dynamodb",
	"AWS::Serverless::HttpApi":  "execute-api",
	"AWS::IAM::Role":            "iam",
	"AWS::Logs::LogGroup":       "logs",
}

// attribute is what GetAtt answers. An ARN names the resource by its logical id.
func (r *resolver) attribute(at *yaml.Node, id, name string) string {
	resource := r.resources[id]
	if resource == nil {
		r.problem(at, "there is no resource %q: declare it, or correct the name", id)
		return ""
	}
	switch {
	case name == "Arn":
		return fmt.Sprintf("arn:aws:%s:%s:%s:%s", services[typeOf(resource)], region, account, id)
	case name == "QueueUrl" && typeOf(resource) == "AWS::SQS::Queue":
		return queueURL(id)
	case name == "ApiEndpoint" && typeOf(resource) == "AWS::Serverless::HttpApi":
		return r.endpoint
	case name == "QueueName":
		return id
	case name == "Name":
		return r.ref(at, id)
	default:
		r.problem(at, "the local cloud does not know the attribute %s of %s", name, id)
		return ""
	}
}

// queueURL is the address by which functions know a queue.
func queueURL(id string) string { return "https://sqs.local/" + account + "/" + id }

// pair is one entry of a mapping.
type pair struct{ key, value *yaml.Node }

// pairs lists the entries of a mapping in order; none of anything else.
func pairs(node *yaml.Node) []pair {
	if node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	out := make([]pair, 0, len(node.Content)/2)
	for i := 0; i+1 < len(node.Content); i += 2 {
		out = append(out, pair{node.Content[i], node.Content[i+1]})
	}
	return out
}

// items lists a sequence; none of anything else.
func items(node *yaml.Node) []*yaml.Node {
	if node == nil || node.Kind != yaml.SequenceNode {
		return nil
	}
	return node.Content
}

// get is the value under a key of a mapping, or nil.
func get(node *yaml.Node, key string) *yaml.Node {
	for _, p := range pairs(node) {
		if p.key.Value == key {
			return p.value
		}
	}
	return nil
}

func typeOf(node *yaml.Node) string {
	if t := get(node, "Type"); t != nil {
		return t.Value
	}
	return ""
}
