package policy

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"rapport/shared/fault"
)

const (
	templateFile = "template.yaml"

	// CallsFile lists what each function was seen to ask of AWS. The smoke tests
	// write it and hold it against what they see.
	CallsFile = "infra/policy/calls.yaml"
)

// Deployment is what template.yaml and the templates nested in it describe.
type Deployment struct {
	resources map[string]resource
	nested    map[string]map[string]any // whole templates, by the id of the stack
	template  map[string]any
	calls     map[string][]string // "dynamodb:GetItem Table", by function
	lines     map[string]int      // where resources, parameters and outputs begin
}

// resource is an entry of Resources.
type resource struct {
	id, kind   string
	whole      map[string]any
	properties map[string]any
}

// Read reads the deployment from the top of the tree.
//
// Errors: kind NotFound (code no_template) or Malformed (template_unreadable).
func Read(tree fs.FS) (*Deployment, error) {
	d := &Deployment{resources: map[string]resource{}, nested: map[string]map[string]any{}, lines: map[string]int{}}
	var root yaml.Node
	if err := load(tree, templateFile, &root); err != nil {
		return nil, err
	}
	d.template = object(plain(&root))
	d.number(&root)
	for id, value := range object(d.template["Resources"]) {
		whole := object(value)
		r := resource{id: id, kind: text(whole["Type"]), whole: whole, properties: object(whole["Properties"])}
		d.resources[id] = r
		if r.kind != "AWS::CloudFormation::Stack" {
			continue
		}
		var inner yaml.Node
		if err := load(tree, path.Clean(text(r.properties["TemplateURL"])), &inner); err != nil {
			return nil, err
		}
		d.nested[id] = object(plain(&inner))
	}
	return d, load(tree, CallsFile, &d.calls)
}

func load(tree fs.FS, name string, into any) error {
	data, err := fs.ReadFile(tree, name)
	if err != nil {
		return fault.New(fault.NotFound, "no_template", "there is no %s: name the top of the repository, or write the file", name).Because(err)
	}
	if err := yaml.Unmarshal(data, into); err != nil {
		return fault.New(fault.Malformed, "template_unreadable", "%s is not YAML: mend it", name).Because(err)
	}
	return nil
}

// number notes where the entries of the sections stand.
func (d *Deployment) number(root *yaml.Node) {
	if len(root.Content) != 1 {
		return
	}
	sections := root.Content[0].Content
	for i := 1; i < len(sections); i += 2 {
		entries := sections[i].Content
		for k := 0; k+1 < len(entries); k += 2 {
			d.lines[entries[k].Value] = entries[k].Line
		}
	}
}

// plain is a node as JSON would hold it; !Ref and its like in their long form.
func plain(n *yaml.Node) any {
	var value any
	switch n.Kind {
	case yaml.DocumentNode:
		return plain(n.Content[0])
	case yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			out[n.Content[i].Value] = plain(n.Content[i+1])
		}
		value = out
	case yaml.SequenceNode:
		out := []any{}
		for _, item := range n.Content {
			out = append(out, plain(item))
		}
		value = out
	case yaml.AliasNode:
		return plain(n.Alias)
	default:
		value = scalar(n)
	}
	switch name, tagged := strings.CutPrefix(n.Tag, "!"); {
	case !tagged || strings.HasPrefix(name, "!"):
		return value
	case name == "Ref" || name == "Condition":
		return map[string]any{name: value}
	default:
		return map[string]any{"Fn::" + name: value}
	}
}

func scalar(n *yaml.Node) any {
	var value any
	if strings.HasPrefix(n.Tag, "!!") && n.Decode(&value) == nil {
		return value
	}
	return n.Value
}

// kind returns the resources of the type, by id.
func (d *Deployment) kind(name string) []resource {
	var out []resource
	for _, id := range slices.Sorted(maps.Keys(d.resources)) {
		if d.resources[id].kind == name {
			out = append(out, d.resources[id])
		}
	}
	return out
}

// Functions returns the logical ids of the functions, sorted.
func (d *Deployment) Functions() []string {
	var out []string
	for _, f := range d.functions() {
		out = append(out, f.id)
	}
	return out
}

// Timeout returns for how many seconds the function may run.
func (d *Deployment) Timeout(functionID string) int {
	seconds, _ := d.resources[functionID].properties["Timeout"].(int)
	return seconds
}

// Kind returns the type of the resource, "" when it is none.
func (d *Deployment) Kind(id string) string { return d.resources[id].kind }

// Variables returns the names of the function's environment variables with the
// id of the resource or parameter that each one's value is taken from; a text
// that stands in the template is its own. Those of Globals are among them.
func (d *Deployment) Variables(functionID string) map[string]string {
	out := map[string]string{}
	for _, of := range []any{at(d.template, "Globals", "Function"), d.resources[functionID].properties} {
		for name, value := range object(at(of, "Environment", "Variables")) {
			if out[name] = target(value); out[name] == "" {
				out[name] = text(value)
			}
		}
	}
	return out
}

// object is the value as a mapping; anything else is an empty one.
func object(v any) map[string]any {
	out, _ := v.(map[string]any)
	return out
}

// list is the value as a list; a single value counts as a list of one.
func list(v any) []any {
	switch l := v.(type) {
	case nil:
		return nil
	case []any:
		return l
	}
	return []any{v}
}

func text(v any) string {
	out, _ := v.(string)
	return out
}

// at follows keys into mappings.
func at(v any, keys ...string) any {
	for _, k := range keys {
		v = object(v)[k]
	}
	return v
}

// target is the id that a Ref, a GetAtt or the one name in a Sub stands for, ""
// for anything else.
func target(v any) string {
	m := object(v)
	if id := text(m["Ref"]); id != "" {
		return id
	}
	if attribute := m["Fn::GetAtt"]; attribute != nil {
		if parts := list(attribute); len(parts) == 2 {
			return text(parts[0])
		}
		id, _, _ := strings.Cut(text(attribute), ".")
		return id
	}
	return lastName(text(m["Fn::Sub"]))
}

// lastName is the last ${name} of a text: in an ARN that is the resource.
func lastName(sub string) string {
	_, rest, found := strings.Cut(sub, "${")
	name := ""
	for found {
		name, rest, _ = strings.Cut(rest, "}")
		_, rest, found = strings.Cut(rest, "${")
	}
	return name
}
