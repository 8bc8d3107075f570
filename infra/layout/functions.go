package layout

import (
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// samTemplate is the part of template.yaml that the rules look at.
type samTemplate struct {
	Parameters map[string]parameter  `yaml:"Parameters"`
	Resources  map[string]samElement `yaml:"Resources"`
}

type parameter struct {
	NoEcho  bool      `yaml:"NoEcho"`
	Default yaml.Node `yaml:"Default"`
}

type samElement struct {
	Type       string `yaml:"Type"`
	Properties struct {
		CodeURI     string `yaml:"CodeUri"`
		Environment struct {
			Variables map[string]yaml.Node `yaml:"Variables"`
		} `yaml:"Environment"`
	} `yaml:"Properties"`
}

const (
	templateFile   = "template.yaml"
	functionType   = "AWS::Serverless::Function"
	functionSuffix = "Function"
)

// template reads template.yaml; false means that a problem was reported.
func (t *Tree) template(bad report) (samTemplate, bool) {
	var out samTemplate
	data, ok := t.Texts[templateFile]
	if !ok {
		bad(templateFile, 0, "is missing; it says which functions exist and what calls them")
		return out, false
	}
	if err := yaml.Unmarshal(data, &out); err != nil {
		bad(templateFile, 0, "cannot be read: %v", err)
		return out, false
	}
	return out, true
}

// logicalID returns the resource's name of the function in the folder:
// functions/decide is DecideFunction.
func logicalID(verb string) string {
	return strings.ToUpper(verb[:1]) + verb[1:] + functionSuffix
}

// functions holds the rule that folder, package and template resource of a
// function carry one name.
func functions(t *Tree, bad report) {
	template, ok := t.template(bad)
	if !ok {
		return
	}
	for _, verb := range t.verbs() {
		dir := "functions/" + verb
		if p := t.Packages[dir]; p.Name != verb {
			bad(dir, 0, "package %s; call the package %s, as the folder", p.Name, verb)
		}
		element, ok := template.Resources[logicalID(verb)]
		if !ok || element.Type != functionType {
			bad(templateFile, 0, "has no %s of type %s for %s; add it", logicalID(verb), functionType, dir)
			continue
		}
		if want := dir + "/lambda/"; element.Properties.CodeURI != want {
			bad(templateFile, 0, "%s has CodeUri %q; write %s", logicalID(verb), element.Properties.CodeURI, want)
		}
	}
	for id, element := range template.Resources {
		if element.Type != functionType {
			continue
		}
		verb := strings.ToLower(strings.TrimSuffix(id, functionSuffix))
		if logicalID(verb) != id || t.Packages["functions/"+verb] == nil {
			bad(templateFile, 0, "%s has no folder functions/%s; give both the same word, or remove one", id, verb)
		}
	}
}

// verbs returns the functions' names by their folders.
func (t *Tree) verbs() []string {
	var out []string
	for _, dir := range sortedDirs(t) {
		if ringOf(dir) == verbs {
			out = append(out, path.Base(dir))
		}
	}
	return out
}

// maxMain is how many lines a lambda's main.go may have.
const maxMain = 29

// lambdas holds the rule that a lambda's folder holds one short main and
// nothing else.
func lambdas(t *Tree, bad report) {
	for dir, p := range t.Packages {
		if !isLambda(dir) {
			continue
		}
		if p.Name != "main" {
			bad(dir, 0, "package %s; a lambda is package main", p.Name)
		}
		for _, f := range p.sources() {
			if path.Base(f.Path) != "main.go" {
				bad(f.Path, 0, "a lambda's folder holds main.go alone; move this to %s or shared/aws", verbOf(dir))
			}
			if f.Lines > maxMain {
				bad(f.Path, 0, "has %d lines, at most %d are allowed; wiring that functions share belongs to shared/aws/boot", f.Lines, maxMain)
			}
		}
	}
}

// events holds the rule that every function has sample events, and that samples
// and golden answers belong to each other.
func events(t *Tree, bad report) {
	samples := map[string][]string{}
	for name := range t.Texts {
		parts := strings.Split(name, "/")
		if parts[0] != "events" {
			continue
		}
		if len(parts) != 3 || path.Ext(name) != ".json" {
			bad(name, 0, "is not called events/<function>/<case>.json; rename it")
			continue
		}
		samples[parts[1]] = append(samples[parts[1]], strings.TrimSuffix(parts[2], ".json"))
	}
	for verb := range samples {
		if t.Packages["functions/"+verb] == nil {
			bad("events/"+verb, 0, "has no function functions/%s; rename the folder or remove it", verb)
		}
	}
	for _, verb := range t.verbs() {
		if len(samples[verb]) == 0 {
			bad("functions/"+verb, 0, "has no sample; add events/%s/<case>.json, which is also what sam local invoke -e takes", verb)
		}
	}
	orphanGoldens(t, samples, bad)
}

func orphanGoldens(t *Tree, samples map[string][]string, bad report) {
	for name := range t.Texts {
		parts := strings.Split(name, "/")
		if len(parts) != 4 || parts[0] != "functions" || parts[2] != "testdata" {
			continue
		}
		if sample, isGolden := strings.CutSuffix(parts[3], ".golden.json"); isGolden && !slices.Contains(samples[parts[1]], sample) {
			bad(name, 0, "has no sample events/%s/%s.json; remove it or add the sample", parts[1], sample)
		}
	}
}
