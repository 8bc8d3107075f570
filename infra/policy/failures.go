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

// deadLetters holds the rule that whatever fails for good ends in a queue where
// it is seen and from which it can be sent again.
func deadLetters(d *Deployment, bad report) {
	ends := map[string]bool{}
	for _, q := range d.kind(queueType) {
		if dead := redrive(q); dead != "" {
			ends[dead] = true
		}
	}
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
	for _, rule := range d.kind("AWS::Events::Rule") {
		for _, t := range list(rule.properties["Targets"]) {
			d.tried(rule.id, text(at(t, "Id")), object(t), bad)
			if d.resources[target(at(t, "Arn"))].kind != queueType {
				bad(rule.id, "targets no queue; put one between, for Lambda's own queue may lose events")
			}
		}
	}
	for _, f := range d.functions() {
		for _, kind := range scheduled {
			for name, e := range f.events(kind) {
				d.tried(f.id, name, e, bad)
				if target(at(f.properties, "EventInvokeConfig", "DestinationConfig", "OnFailure", "Destination")) == "" {
					bad(f.id, "(%s) is called asynchronously; add EventInvokeConfig with an OnFailure queue", name)
				}
			}
		}
	}
}

// tried looks for what becomes of an event that cannot be handed over.
func (d *Deployment) tried(id, name string, properties map[string]any, bad report) {
	if d.resources[target(at(properties, "DeadLetterConfig", "Arn"))].kind != queueType {
		bad(id, "(%s) has no DeadLetterConfig with a queue of this template", name)
	}
	if properties["RetryPolicy"] == nil {
		bad(id, "(%s) has no RetryPolicy; say for how long its events are worth anything", name)
	}
}

// delivery holds the rule that EventBridge may write to the queues that it is
// pointed at: without the policy it drops events and dead letters without a word.
func delivery(d *Deployment, bad report) {
	allowed := map[string]bool{}
	for _, p := range d.kind("AWS::SQS::QueuePolicy") {
		for _, s := range list(at(p.properties, "PolicyDocument", "Statement")) {
			if at(s, "Principal", "Service") != "events.amazonaws.com" || at(s, "Action") != "sqs:SendMessage" || at(s, "Condition") == nil {
				continue
			}
			for _, r := range list(at(s, "Resource")) {
				allowed[target(r)] = true
			}
		}
	}
	needed := map[string]string{} // queue, by whom
	for _, rule := range d.kind("AWS::Events::Rule") {
		for _, t := range list(rule.properties["Targets"]) {
			needed[target(at(t, "Arn"))], needed[target(at(t, "DeadLetterConfig", "Arn"))] = rule.id, rule.id
		}
	}
	for _, f := range d.functions() {
		for _, kind := range scheduled {
			for _, e := range f.events(kind) {
				needed[target(at(e, "DeadLetterConfig", "Arn"))] = f.id
			}
		}
	}
	for queue, by := range needed {
		if d.resources[queue].kind == queueType && !allowed[queue] {
			bad(queue, "does not let EventBridge in, for %s: add a QueuePolicy for events.amazonaws.com with a Condition", by)
		}
	}
}

// alarms holds the rule that somebody is told: of a dead letter, of a queue that
// is not kept up with, of a function that fails.
func alarms(d *Deployment, bad report) {
	watched := map[string]bool{} // by id and metric
	for stack, nested := range d.nested {
		given := object(d.resources[stack].properties["Parameters"])
		for name := range object(nested["Parameters"]) {
			if given[name] == nil {
				bad(stack, "does not give %s to its template", name)
			}
		}
		for _, r := range object(nested["Resources"]) {
			if at(r, "Type") == "AWS::CloudWatch::Alarm" {
				for _, w := range watches(object(at(r, "Properties"))) {
					watched[target(given[w.parameter])+" "+w.metric] = true
				}
			}
		}
	}
	need := func(id string, metrics ...string) {
		for _, m := range metrics {
			if !watched[id+" "+m] {
				bad(id, "has no alarm on %s; add it to infra/stacks/alarms.yaml", m)
			}
		}
	}
	for _, q := range d.kind(queueType) {
		if dead := redrive(q); dead != "" {
			need(q.id, "ApproximateAgeOfOldestMessage")
			need(dead, "ApproximateNumberOfMessagesVisible")
		}
	}
	for _, f := range d.functions() {
		need(f.id, "Errors", "Throttles")
	}
	for _, s := range d.kind("AWS::SES::ConfigurationSet") {
		need(s.id, "Reputation.BounceRate")
		need(s.id, "Reputation.ComplaintRate")
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
