package layout

import (
	"go/ast"
	"slices"
	"strconv"
	"strings"
)

// impure are the packages of Go's library that reach outside the process, with
// what to do instead. An entry covers what lies below it.
var impure = map[string]string{
	"net":         "take the result as an argument; the network belongs to shared/aws and shared/httpapi",
	"os":          "take the value as an argument; mains read the environment",
	"syscall":     "take the value as an argument",
	"io/ioutil":   "take an io.Reader as an argument",
	"crypto/rand": "take the random token as an argument",
	"unsafe":      "write it without unsafe",
	"testing":     "move it to a _test.go file or to a package whose name ends in test",
}

// harmless lie below an impure package and do nothing but parse.
var harmless = []string{"net/url", "net/netip", "net/mail", "net/textproto"}

// clockCalls are the parts of package time that read or wait for the real clock.
var clockCalls = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Local"}

// seeded are the parts of math/rand that give the same numbers for the same seed.
var seeded = []string{"Rand", "New", "NewPCG", "PCG", "Source", "NewSource", "ChaCha8", "NewChaCha8"}

// pure holds the rule that ring 1 computes and nothing else: the same arguments
// always give the same answer.
func pure(t *Tree, bad report) {
	for dir, p := range t.Packages {
		if ringOf(dir) != nouns || isTestSupport(dir) {
			continue
		}
		for _, f := range p.sources() {
			for _, i := range t.imports(f) {
				if advice := impurity(i.path); advice != "" {
					bad(f.Path, i.line, "imports %s, but shared/<noun> is pure; %s", i.path, advice)
				}
			}
			impureCalls(t, f, bad)
		}
	}
}

// impurity returns what to do instead of the import, "" when it is pure.
func impurity(name string) string {
	if slices.Contains(harmless, name) {
		return ""
	}
	for folder, advice := range impure {
		if within(name, folder) {
			return advice
		}
	}
	return ""
}

// impureCalls finds the real clock and unseeded randomness.
func impureCalls(t *Tree, f *File, bad report) {
	names := localNames(f.ast)
	ast.Inspect(f.ast, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		left, ok := sel.X.(*ast.Ident)
		if !ok || left.Obj != nil { // a variable that has the package's name
			return true
		}
		switch name, right := names[left.Name], sel.Sel.Name; {
		case name == "time" && slices.Contains(clockCalls, right):
			bad(f.Path, t.line(sel.Pos()), "uses time.%s, but shared/<noun> is pure; take now time.Time as an argument", right)
		case strings.HasPrefix(name, "math/rand") && !slices.Contains(seeded, right):
			bad(f.Path, t.line(sel.Pos()), "uses rand.%s, but shared/<noun> is pure; take a seeded *rand.Rand as an argument, or hash", right)
		}
		return true
	})
}

// localNames maps the names by which the file knows its imports to their paths.
func localNames(file *ast.File) map[string]string {
	out := map[string]string{}
	for _, spec := range file.Imports {
		full, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		name := strings.TrimSuffix(full, "/v2")
		name = name[strings.LastIndexByte(name, '/')+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		out[name] = full
	}
	return out
}

// isTestSupport reports whether the package exists for tests, as table/tabletest
// does.
func isTestSupport(dir string) bool { return strings.HasSuffix(dir, "test") }

// testOnly holds the rule that tests' tools stay in tests.
func testOnly(t *Tree, bad report) {
	tools := []string{"pgregory.net/rapid", "github.com/google/go-cmp", "github.com/rogpeppe/go-internal", "testing", "net/http/httptest"}
	for dir, p := range t.Packages {
		if isTestSupport(dir) {
			continue
		}
		for _, f := range p.sources() {
			for _, i := range t.imports(f) {
				isTool := slices.ContainsFunc(tools, func(tool string) bool { return within(i.path, tool) })
				if isTool || i.dir != "" && isTestSupport(i.dir) {
					bad(f.Path, i.line, "imports %s, which is for tests; move the code to a _test.go file", i.path)
				}
			}
		}
	}
}
