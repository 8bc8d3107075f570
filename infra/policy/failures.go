package policy

import (
	"maps"
	"slices"
)

// fortnight is how long dead letters are kept, in seconds: as long as SQS can.
const fortnight = 14 * 24 * 60 * 60

const queueType = "AWS::SQS::Queue"

// redrive is the queue that takes what fails on the queue, "" without one.
func redrive(queue resource) string {
	return target(at(queue.properties, "RedrivePolicy", "deadLetterTargetArn"))
}

// handover is one way by which EventBridge gives events away.
type handover struct {
	by, name   string         // the resource, and what it calls the way
	to         string         // the id of the queue or function
	properties map[string]any // with DeadLetterConfig and RetryPolicy
}

// handovers are the targets of all rules and schedules.
func (d *Deployment) handovers() []handover {
	var out []handover
	for _, rule := range d.kind("AWS::Events::Rule") {
		for _, t := range list(rule.properties["Targets"]) {
			out = append(out, handover{rule.id, text(at(t, "Id")), target(at(t, "Arn")), object(t)})
		}
	}
	for _, f := range d.functions() {
		for _, kind := range scheduled {
			for name, e := range f.events(kind) {
				out = append(out, handover{f.id, name, f.id, e})
			}
		}
	}
	return out
}

// dead is the queue that takes what cannot be handed over.
func (h handover) dead() string { return target(at(h.properties, "DeadLetterConfig", "Arn")) }

// deadLetters holds the rule that whatever fails for good ends in a queue where
// it is seen and from which it can be sent again.
func deadLetters(d *Deployment, bad report) {
	d.redriven(bad)
	for _, h := range d.handovers() {
		if d.resources[h.dead()].kind != queueType {
			bad(h.by, "(%s) has no DeadLetterConfig with a queue of this template", h.name)
		}
		if h.properties["RetryPolicy"] == nil {
			bad(h.by, "(%s) has no RetryPolicy; say for how long its events are worth anything", h.name)
		}
		switch to := d.resources[h.to]; {
		case h.by != h.to && to.kind != queueType:
			bad(h.by, "(%s) targets no queue; put one between, for Lambda's own may lose events", h.name)
		case h.by == h.to && failed(to) == "":
			bad(h.by, "(%s) is called asynchronously; add EventInvokeConfig with an OnFailure queue", h.name)
		}
	}
}

// failed is where Lambda puts what it could not do asynchronously.
func failed(function resource) string {
	return target(at(function.properties, "EventInvokeConfig", "DestinationConfig", "OnFailure", "Destination"))
}

// ends are the queues that hold dead letters.
func (d *Deployment) ends() map[string]bool {
	out := map[string]bool{}
	for _, q := range d.kind(queueType) {
		out[redrive(q)] = true
	}
	for _, h := range d.handovers() {
		out[h.dead()] = true
	}
	for _, f := range d.functions() {
		out[failed(f.resource)] = true
	}
	delete(out, "")
	return out
}

// redriven looks for queues that would lose what fails.
func (d *Deployment) redriven(bad report) {
	ends := d.ends()
	for _, q := range d.kind(queueType) {
		switch dead := redrive(q); {
		case ends[q.id] && dead != "":
			bad(q.id, "holds dead letters and hands them on; remove its RedrivePolicy")
		case ends[q.id] && q.properties["MessageRetentionPeriod"] != fortnight:
			bad(q.id, "holds dead letters; write MessageRetentionPeriod: %d, the longest there is", fortnight)
		case !ends[q.id] && d.resources[dead].kind != queueType:
			bad(q.id, "has no dead-letter queue of this template; add a RedrivePolicy")
		}
	}
}

// delivery holds the rule that EventBridge may write to the queues that it is
// pointed at: without the policy it drops events and dead letters without a word.
func delivery(d *Deployment, bad report) {
	open := d.open()
	for _, h := range d.handovers() {
		for _, id := range []string{h.to, h.dead()} {
			if d.resources[id].kind == queueType && !open[id] {
				bad(id, "does not let EventBridge in, for %s: add a QueuePolicy for events.amazonaws.com with a Condition", h.by)
			}
		}
	}
}

// open are the queues that EventBridge may write to.
func (d *Deployment) open() map[string]bool {
	out := map[string]bool{}
	for _, p := range d.kind("AWS::SQS::QueuePolicy") {
		for _, s := range list(at(p.properties, "PolicyDocument", "Statement")) {
			if at(s, "Principal", "Service") != "events.amazonaws.com" || at(s, "Action") != "sqs:SendMessage" || at(s, "Condition") == nil {
				continue
			}
			for _, r := range list(at(s, "Resource")) {
				out[target(r)] = true
			}
		}
	}
	return out
}

// alarms holds the rule that somebody is told: of a dead letter, of a queue that
// is not kept up with, of a function that fails, of mail that people do not want.
func alarms(d *Deployment, bad report) {
	watched := map[string]bool{} // "id metric"
	for stack := range d.nested {
		d.watched(stack, watched, bad)
	}
	need := func(id string, metrics ...string) {
		for _, m := range metrics {
			if !watched[id+" "+m] {
				bad(id, "has no alarm on %s; add it to infra/stacks", m)
			}
		}
	}
	ends := d.ends()
	for _, q := range d.kind(queueType) {
		metric := "ApproximateAgeOfOldestMessage"
		if ends[q.id] {
			metric = "ApproximateNumberOfMessagesVisible"
		}
		need(q.id, metric)
	}
	for _, f := range d.functions() {
		need(f.id, "Errors", "Throttles")
	}
	for _, s := range d.kind("AWS::SES::ConfigurationSet") {
		need(s.id, "Reputation.BounceRate", "Reputation.ComplaintRate")
	}
}

// watched adds what the alarms of a nested template look at, as "id metric".
func (d *Deployment) watched(stack string, into map[string]bool, bad report) {
	given := object(d.resources[stack].properties["Parameters"])
	for name := range object(d.nested[stack]["Parameters"]) {
		if given[name] == nil {
			bad(stack, "does not give %s to its template", name)
		}
	}
	for _, r := range object(d.nested[stack]["Resources"]) {
		if at(r, "Type") != "AWS::CloudWatch::Alarm" {
			continue
		}
		for _, w := range watches(object(at(r, "Properties"))) {
			into[target(given[w.parameter])+" "+w.metric] = true
		}
	}
}

// watch is a metric that an alarm looks at, and the parameter that names whose
// metric it is.
type watch struct{ parameter, metric string }

func watches(alarm map[string]any) []watch {
	var out []watch
	add := func(metric map[string]any) {
		for _, dimension := range list(metric["Dimensions"]) {
			out = append(out, watch{target(at(dimension, "Value")), text(metric["MetricName"])})
		}
	}
	add(alarm)
	for _, m := range list(alarm["Metrics"]) {
		add(object(at(m, "MetricStat", "Metric")))
	}
	return out
}

// tables holds the rule that people are kept safe and cost nothing idle.
func tables(d *Deployment, bad report) {
	for _, t := range d.kind("AWS::DynamoDB::Table") {
		for _, name := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
			if t.whole[name] != "Retain" {
				bad(t.id, "is lost with the stack; write %s: Retain", name)
			}
		}
		if t.properties["BillingMode"] != "PAY_PER_REQUEST" {
			bad(t.id, "costs money while nobody visits; write BillingMode: PAY_PER_REQUEST")
		}
		for _, keys := range [][]string{
			{"PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"}, {"TimeToLiveSpecification", "Enabled"}, {"SSESpecification", "SSEEnabled"},
		} {
			if at(t.properties, keys...) != true {
				bad(t.id, "lacks %s; write %s: true", keys[0], keys[1])
			}
		}
	}
}

// endpoint holds the rule that whoever puts a firewall before an API can close
// the way round it.
func endpoint(d *Deployment, bad report) {
	for _, api := range d.kind("AWS::Serverless::HttpApi") {
		if api.properties["DisableExecuteApiEndpoint"] == nil {
			bad(api.id, "cannot be closed; write DisableExecuteApiEndpoint: !Ref DisableDefaultEndpoint")
		}
	}
}

// sorted are the keys of a set in order.
func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
