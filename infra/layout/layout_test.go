package layout_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"rapport/infra/layout"
)

// TestRepository applies every rule to the tree that this test stands in.
func TestRepository(t *testing.T) {
	tree, err := layout.Read(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range layout.Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			for _, p := range rule.Check(tree) {
				t.Error(p)
			}
		})
	}
}

// TestGoodTree proves that the rules leave alone what is fine.
func TestGoodTree(t *testing.T) {
	problems, err := layout.Check(archive(t, "good"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Error(p)
	}
}

// TestRules proves of each rule that it can fail: its fixture lists every
// problem that it must find, and it must find no other.
func TestRules(t *testing.T) {
	for _, rule := range layout.Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			if rule.Name == "text" || rule.Name == "budget" {
				t.Skip("TestTexts and TestBudget make their cases when they run")
			}
			files, wants := fixture(t, rule.Name)
			expect(t, rule, files, wants)
		})
	}
}

func expect(t *testing.T, rule layout.Rule, files fstest.MapFS, wants []string) {
	t.Helper()
	tree, err := layout.Read(files)
	if err != nil {
		t.Fatal(err)
	}
	if len(wants) == 0 {
		t.Fatal("the fixture wants no problem")
	}
	got := rule.Check(tree)
	if len(got) != len(wants) {
		t.Errorf("%d problems, want %d", len(got), len(wants))
	}
	for _, want := range wants {
		found := false
		for _, p := range got {
			found = found || strings.HasPrefix(p.String(), want)
		}
		if !found {
			t.Errorf("missing: %s\ngot:\n%s", want, list(got))
		}
	}
}

func list(problems []layout.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&b, "  %v\n", p)
	}
	return b.String()
}

// fixture lays the files of a rule's archive over the good tree, and returns
// the problems that the archive's head lists.
func fixture(t *testing.T, rule string) (fstest.MapFS, []string) {
	t.Helper()
	files := archive(t, "good")
	maps.Copy(files, archive(t, rule))
	var wants []string
	for line := range strings.Lines(head(t, rule)) {
		if want, ok := strings.CutPrefix(strings.TrimSpace(line), "want: "); ok {
			wants = append(wants, want)
		}
	}
	return files, wants
}

func head(t *testing.T, name string) string {
	t.Helper()
	return string(parse(t, name).Comment)
}

func archive(t *testing.T, name string) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	for _, f := range parse(t, name).Files {
		files[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return files
}

func parse(t *testing.T, name string) *txtar.Archive {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestBudget makes its long files when it runs.
func TestBudget(t *testing.T) {
	files := archive(t, "good")
	long := func(n int) string { return strings.Repeat("\n", n) }
	add := func(name, text string) { files[name] = &fstest.MapFile{Data: []byte(text)} }
	add("shared/content/fits.go", "package content"+long(400))
	add("shared/content/long.go", "package content"+long(401))
	add("shared/content/fits_test.go", "package content"+long(500))
	add("shared/content/long_test.go", "package content\nfunc f() {"+long(100)+"}"+long(400))
	add("shared/content/body.go", "package content\nfunc fits() {"+long(61)+"}\nfunc over() {"+long(62)+"}\n")
	for _, rule := range layout.Rules() {
		if rule.Name == "budget" {
			expect(t, rule, files, []string{
				"shared/content/long.go: has 401 lines, at most 400 are allowed",
				"shared/content/long_test.go: has 501 lines, at most 500 are allowed",
				"shared/content/body.go:64: over has 61 lines, at most 60 are allowed",
			})
		}
	}
}

// TestTexts makes its cases when it runs, for no file of the tree may hold one
// (row 106).
func TestTexts(t *testing.T) {
	fake := strings.Repeat("A1b2", 10)
	bad := map[string]string{
		"access key":      "key: AKIA" + "ABCDEFGHIJKLMNOP",
		"private key":     "-----BEGIN RSA " + "PRIVATE KEY-----",
		"secret key":      "aws_secret_access_key" + " = " + fake,
		"token":           "ghp_" + fake[:36],
		"service token":   "sk_live_" + fake,
		"home":            "see /home" + "/ada/notes",
		"root":            `dir := "/root` + `/go"`,
		"windows":         `C:` + `\Users\ada`,
		"registry":        "get it from " + "registry.npmjs" + ".org today",
		"python registry": "https://" + "pypi" + ".org/simple",
	}
	for name, text := range bad {
		t.Run(name, func(t *testing.T) {
			files := archive(t, "good")
			files["docs/page.md"] = &fstest.MapFile{Data: []byte("fine\n" + text + "\n")}
			expectText(t, files, "docs/page.md:2: ")
		})
	}
}

// TestFineTexts shows what the scanner leaves alone: short look-alikes, paths of
// addresses, and binary files.
func TestFineTexts(t *testing.T) {
	files := archive(t, "good")
	files["docs/page.md"] = &fstest.MapFile{Data: []byte("AKIA short, https://example.com/work/x, /usr/bin/chromium, our-pypi-orgs\n")}
	files["docs/page.png"] = &fstest.MapFile{Data: []byte("\x00 AKIA" + "ABCDEFGHIJKLMNOP")}
	expectText(t, files)
}

func expectText(t *testing.T, files fstest.MapFS, wants ...string) {
	t.Helper()
	tree, err := layout.Read(files)
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range layout.Rules() {
		if rule.Name != "text" {
			continue
		}
		if len(wants) > 0 {
			expect(t, rule, files, wants)
		} else if got := rule.Check(tree); len(got) > 0 {
			t.Error(list(got))
		}
	}
}

// TestBrokenTree shows that a tree that cannot be judged is an error, not a pass.
func TestBrokenTree(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"no go.mod":    {"x.txt": {Data: []byte("x")}},
		"unparsed":     {"go.mod": {Data: []byte("module shop\n")}, "shared/x/x.go": {Data: []byte("package")}},
		"no such tree": nil,
	} {
		if problems, err := layout.Check(files); err == nil && len(problems) == 0 {
			t.Errorf("%s: passed", name)
		}
	}
}
