package cloud

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// feedbackSpec is an AWS::SES::ConfigurationSetEventDestination: what SES tells
// the default bus of the mail that goes through a configuration set.
type feedbackSpec struct {
	Set   string
	Types []string // such as "DELIVERY"
}

// happenings are the kinds of SES event by the names that templates use.
var happenings = map[string]happening{
	"SEND": sent, "DELIVERY": delivered, "BOUNCE": bounced, "COMPLAINT": complained, "OPEN": opened, "CLICK": clicked,
	"REJECT": {"Reject", "Email Rejected"}, "RENDERING_FAILURE": {"Rendering Failure", "Email Rendering Failed"},
	"DELIVERY_DELAY": {"DeliveryDelay", "Email Delivery Delayed"}, "SUBSCRIPTION": {"Subscription", "Email Subscribed"},
}

func (p *parser) feedback(key, properties *yaml.Node) {
	p.only(properties, "an event destination", "ConfigurationSetName", "EventDestination")
	destination := get(properties, "EventDestination")
	p.only(destination, "EventDestination", "Name", "Enabled", "MatchingEventTypes", "EventBridgeDestination")
	f := feedbackSpec{Set: p.textOr(get(properties, "ConfigurationSetName"), "")}
	for _, kind := range items(get(destination, "MatchingEventTypes")) {
		name := p.text(kind)
		if _, known := happenings[name]; !known {
			p.problem(kind, "SES has no event type %q", name)
		}
		f.Types = append(f.Types, name)
	}
	bus := p.textOr(get(get(destination, "EventBridgeDestination"), "EventBusArn"), "")
	if !strings.HasSuffix(bus, ":event-bus/default") {
		p.problem(key, "SES publishes to the default event bus only: name its ARN in EventBridgeDestination")
	}
	if p.textOr(get(destination, "Enabled"), "true") == "true" {
		p.out.Feedback = append(p.out.Feedback, f)
	}
}

// tells reports whether a happening of a mail is published.
func (f feedbackSpec) tells(set string, what happening) bool {
	return f.Set == set && slices.ContainsFunc(f.Types, func(name string) bool { return happenings[name] == what })
}
