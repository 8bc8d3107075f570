package policy

import (
	"slices"
	"strings"
)

const roleType = "AWS::IAM::Role"

// unscoped are the actions for which AWS knows no resource, and why they are
// there.
var unscoped = map[string]string{
	"xray:PutTraceSegments":    "traces belong to the account; a function with Tracing: Active writes its own",
	"xray:PutTelemetryRecords": "goes with them",
}

// role is the function's role, which may be no other's.
func (d *Deployment) role(f function) resource { return d.resources[target(f.properties["Role"])] }

// statements are what the role's own policies say.
func statements(role resource) []map[string]any {
	var out []map[string]any
	for _, p := range list(role.properties["Policies"]) {
		for _, s := range list(at(p, "PolicyDocument", "Statement")) {
			out = append(out, object(s))
		}
	}
	return out
}

// roles holds the rule that each function has a role of its own, which names
// every action and every resource.
func roles(d *Deployment, bad report) {
	owner := map[string]string{}
	for _, f := range d.functions() {
		r := d.role(f)
		if r.kind != roleType {
			bad(f.id, "has no role of this template; write one with just what it does")
			continue
		}
		if other := owner[r.id]; other != "" {
			bad(f.id, "shares %s with %s; give it its own", r.id, other)
		}
		owner[r.id] = f.id
		if f.setting("Policies") != nil {
			bad(f.id, "has Policies beside its role; move them into %s", r.id)
		}
	}
	for _, r := range d.kind(roleType) {
		narrow(r, bad)
	}
}

// narrow looks at one role.
func narrow(r resource, bad report) {
	if r.properties["ManagedPolicyArns"] != nil {
		bad(r.id, "takes what others keep adding to; write the actions out instead of ManagedPolicyArns")
	}
	for _, s := range list(at(r.properties, "AssumeRolePolicyDocument", "Statement")) {
		if at(s, "Principal", "Service") != "lambda.amazonaws.com" {
			bad(r.id, "can be taken by others than Lambda")
		}
	}
	for _, s := range statements(r) {
		if s["Effect"] != "Allow" || s["NotAction"] != nil || s["NotResource"] != nil {
			bad(r.id, "says what is forbidden; say what is allowed, and nothing else is")
		}
		for _, a := range list(s["Action"]) {
			single(r.id, text(a), s, bad)
		}
	}
}

// single looks at one action of a statement.
func single(id, action string, statement map[string]any, bad report) {
	if strings.Contains(action, "*") || !strings.Contains(action, ":") {
		bad(id, "allows %q; name the single action", action)
	}
	for _, r := range list(statement["Resource"]) {
		if name := text(r) + text(at(r, "Fn::Sub")); strings.Contains(name, "*") && unscoped[action] == "" {
			bad(id, "allows %s on %q; name the resource", action, name)
		}
	}
	if action == "events:PutEvents" && at(statement, "Condition", "StringEquals", "events:source") == nil {
		bad(id, "may publish under any name; add a Condition on events:source")
	}
}

// grants holds the rule that a role allows what its function does, no more and
// no less: what it was seen to call, and what Lambda does in its name.
func grants(d *Deployment, bad report) {
	for _, f := range d.functions() {
		allowed, needed := d.allowed(d.role(f)), d.needed(f)
		for _, g := range sorted(allowed) {
			if !needed[g] {
				bad(f.id, "is allowed %s and never does it; take it out, or make the smoke tests do it (make smoke)", g)
			}
		}
		for _, g := range sorted(needed) {
			if !allowed[g] {
				bad(f.id, "does %s and is not allowed to; add it to its role", g)
			}
		}
	}
	for id := range d.calls {
		if d.resources[id].kind != functionType {
			bad("", "%s lists %s, which is no function of the template; remove it", CallsFile, id)
		}
	}
}

// allowed are the grants of a role, as "action resource".
func (d *Deployment) allowed(role resource) map[string]bool {
	out := map[string]bool{}
	for _, s := range statements(role) {
		for _, a := range list(s["Action"]) {
			for _, r := range list(s["Resource"]) {
				name := target(r)
				if name == "" {
					name = text(r)
				}
				out[text(a)+" "+name] = true
			}
		}
	}
	return out
}

// needed are the grants that the function needs.
func (d *Deployment) needed(f function) map[string]bool {
	out := map[string]bool{}
	for _, call := range d.calls[f.id] {
		out[call] = true
		// SES asks for both: the identity that the mail comes from, and the set.
		if action, _, _ := strings.Cut(call, " "); action == "ses:SendEmail" {
			out[action+" MailIdentity"] = true
		}
	}
	add := func(resource string, actions ...string) {
		for _, a := range actions {
			out[a+" "+resource] = true
		}
	}
	add(target(at(f.properties, "LoggingConfig", "LogGroup")), "logs:CreateLogStream", "logs:PutLogEvents")
	for _, e := range f.events("SQS") {
		add(target(e["Queue"]), "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
	}
	if queue := failed(f.resource); queue != "" {
		add(queue, "sqs:SendMessage")
	}
	if f.setting("Tracing") == "Active" {
		add("*", "xray:PutTraceSegments", "xray:PutTelemetryRecords")
	}
	return out
}

// Calls returns what the function is on record for, sorted: "dynamodb:GetItem Table".
func (d *Deployment) Calls(functionID string) []string {
	return slices.Sorted(slices.Values(d.calls[functionID]))
}
