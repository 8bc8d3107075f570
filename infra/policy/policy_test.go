package policy_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"rapport/infra/policy"
	"rapport/shared/fault"
)

// TestRepository applies every rule to the deployment that this test stands in.
func TestRepository(t *testing.T) {
	d, err := policy.Read(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range policy.Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			for _, p := range rule.Check(d) {
				t.Error(p)
			}
		})
	}
}

// TestGood proves that the rules leave alone what is fine.
func TestGood(t *testing.T) {
	problems, err := policy.Check(good(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Error(p)
	}
}

// TestRules proves of each rule that it can fail: every change of the good
// deployment must be found, by that rule, with those words.
func TestRules(t *testing.T) {
	tried := map[string]bool{}
	for _, c := range cases {
		tried[c.rule] = true
		t.Run(c.rule+"/"+c.want, func(t *testing.T) {
			problems := rule(t, c.rule).Check(changed(t, c))
			if len(problems) == 0 || !slices.ContainsFunc(problems, func(p policy.Problem) bool { return strings.Contains(p.String(), c.want) }) {
				t.Errorf("found %v", problems)
			}
			for _, p := range problems {
				if p.Line == 0 && !strings.HasPrefix(p.Message, policy.CallsFile) {
					t.Errorf("no line for %s", p)
				}
			}
		})
	}
	for _, r := range policy.Rules() {
		if !tried[r.Name] {
			t.Errorf("no case proves that %s can fail", r.Name)
		}
	}
}

// edit makes the good deployment bad: old becomes bad, which the rule must see.
type edit struct{ rule, old, bad, want string }

func rule(t *testing.T, name string) policy.Rule {
	t.Helper()
	for _, r := range policy.Rules() {
		if r.Name == name {
			return r
		}
	}
	t.Fatalf("there is no rule %s", name)
	return policy.Rule{}
}

func good(t *testing.T) fstest.MapFS {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", "good.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for _, f := range a.Files {
		files[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return files
}

// changed is the good deployment with the change made where the old text stands
// first: in the template, else in its alarms, else in the list of calls.
func changed(t *testing.T, c edit) *policy.Deployment {
	t.Helper()
	files := good(t)
	for _, name := range []string{"template.yaml", "alarms.yaml", policy.CallsFile} {
		text := string(files[name].Data)
		if !strings.Contains(text, c.old) {
			continue
		}
		files[name] = &fstest.MapFile{Data: []byte(strings.Replace(text, c.old, c.bad, 1))}
		d, err := policy.Read(files)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	t.Fatalf("nothing has %q", c.old)
	return nil
}

// A function has the variables of Globals beside its own, which win.
func TestVariables(t *testing.T) {
	files := fstest.MapFS{policy.CallsFile: good(t)[policy.CallsFile], "template.yaml": &fstest.MapFile{Data: []byte(`
Globals: { Function: { Environment: { Variables: { ALL: "1", ONE: "2" } } } }
Resources:
  SendFunction:
    Type: AWS::Serverless::Function
    Properties: { Environment: { Variables: { ONE: !Ref Table, OWN: "3" } } }
`)}}
	d, err := policy.Read(files)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := d.Variables("SendFunction"), map[string]string{"ALL": "1", "ONE": "Table", "OWN": "3"}; !maps.Equal(got, want) {
		t.Errorf("variables are %v, want %v", got, want)
	}
}

func TestWhatCannotBeReadIsNoPass(t *testing.T) {
	broken := good(t)
	broken["template.yaml"] = &fstest.MapFile{Data: []byte("Resources: [")}
	lost := good(t)
	delete(lost, "alarms.yaml")
	unlisted := good(t)
	delete(unlisted, policy.CallsFile)
	for name, c := range map[string]struct {
		files fstest.MapFS
		want  fault.Kind
	}{
		"broken": {broken, fault.Malformed}, "nested lost": {lost, fault.NotFound},
		"no calls": {unlisted, fault.NotFound}, "nothing": {fstest.MapFS{}, fault.NotFound},
	} {
		if _, err := policy.Check(c.files); fault.KindOf(err) != c.want {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}
