package layout

import (
	"go/ast"
	"path"
	"slices"
	"strings"
)

// packageComments holds the rule that every package says what it is for.
func packageComments(t *Tree, bad report) {
	for dir, p := range t.Packages {
		sources := p.sources()
		if len(sources) == 0 {
			continue
		}
		opening := "Package " + p.Name + " "
		if p.Name == "main" {
			opening = "Command "
		}
		with := slices.DeleteFunc(sources, func(f *File) bool { return f.ast.Doc == nil })
		switch {
		case len(with) == 0:
			bad(dir, 0, "has no package comment; begin one file with \"// %s…\" and say what the package is for", opening)
		case len(with) > 1:
			bad(with[1].Path, t.line(with[1].ast.Package), "is the second package comment after %s; keep one", with[0].Path)
		case !strings.HasPrefix(with[0].ast.Doc.Text(), opening):
			bad(with[0].Path, t.line(with[0].ast.Doc.Pos()), "begin the package comment with %q", opening)
		}
	}
}

// documented holds the rule that every exported identifier has a comment.
func documented(t *Tree, bad report) {
	for _, p := range t.Packages {
		for _, f := range p.sources() {
			for _, decl := range f.ast.Decls {
				for _, name := range undocumented(decl) {
					bad(f.Path, t.line(name.Pos()), "%s is exported without a comment; say what it gives, in which unit, and how it fails", name.Name)
				}
			}
		}
	}
}

// undocumented returns the exported names of a declaration that no comment
// covers.
func undocumented(decl ast.Decl) []*ast.Ident {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Doc == nil && d.Name.IsExported() && hasExportedReceiver(d) {
			return []*ast.Ident{d.Name}
		}
	case *ast.GenDecl:
		if d.Doc == nil {
			return bareSpecs(d)
		}
	}
	return nil
}

// bareSpecs returns the exported names without a comment in a declaration that
// has none itself. A comment over a group covers the group.
func bareSpecs(d *ast.GenDecl) []*ast.Ident {
	var out []*ast.Ident
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Doc == nil {
				out = append(out, s.Name)
			}
		case *ast.ValueSpec:
			if s.Doc == nil && s.Comment == nil {
				out = append(out, s.Names...)
			}
		}
	}
	return slices.DeleteFunc(out, func(n *ast.Ident) bool { return !n.IsExported() })
}

// hasExportedReceiver reports whether d is a function, or a method of an
// exported type.
func hasExportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	kind := d.Recv.List[0].Type
	for {
		switch x := kind.(type) {
		case *ast.StarExpr:
			kind = x.X
		case *ast.IndexExpr:
			kind = x.X
		case *ast.IndexListExpr:
			kind = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}

// empty are names that say nothing about what is inside.
var empty = []string{"util", "utils", "common", "helper", "helpers", "type", "types", "model", "models", "core", "misc", "base", "lib"}

// names holds the rule that a package's name tells its content and is its own
// alone, and that a folder is called as its package.
func names(t *Tree, bad report) {
	owner := map[string]string{}
	for _, dir := range sortedDirs(t) {
		p := t.Packages[dir]
		if slices.Contains(empty, p.Name) {
			bad(dir, 0, "package %s says nothing; call it by what it is about", p.Name)
		}
		if p.Name != "main" && p.Name != path.Base(dir) {
			bad(dir, 0, "package %s; call folder and package the same", p.Name)
		}
		if first, taken := owner[p.Name]; taken && p.Name != "main" {
			bad(dir, 0, "package %s exists in %s already; one word is one thing everywhere", p.Name, first)
		}
		owner[p.Name] = dir
		for _, f := range p.Files {
			base := strings.TrimSuffix(strings.TrimSuffix(path.Base(f.Path), ".go"), "_test")
			if slices.Contains(empty, base) {
				bad(f.Path, 0, "the file's name says nothing; call it by what it holds")
			}
		}
	}
}

func sortedDirs(t *Tree) []string {
	var out []string
	for dir := range t.Packages {
		out = append(out, dir)
	}
	slices.Sort(out)
	return out
}

// The budgets, in lines.
const (
	maxFile     = 400
	maxTestFile = 500
	maxFunction = 60
)

// budgets holds the rule that nothing grows past what one reads at a sitting.
func budgets(t *Tree, bad report) {
	for dir, p := range t.Packages {
		for _, f := range p.Files {
			test, limit := f.Test || isTestSupport(dir), maxFile
			if test {
				limit = maxTestFile
			}
			if f.Lines > limit {
				bad(f.Path, 0, "has %d lines, at most %d are allowed; split it by what its parts are about", f.Lines, limit)
			}
			if !test {
				longFunctions(t, f, bad)
			}
		}
	}
}

func longFunctions(t *Tree, f *File, bad report) {
	for _, decl := range f.ast.Decls {
		d, ok := decl.(*ast.FuncDecl)
		if !ok || d.Body == nil {
			continue
		}
		if n := t.span(d); n > maxFunction {
			bad(f.Path, t.line(d.Pos()), "%s has %d lines, at most %d are allowed; give its parts names", d.Name.Name, n, maxFunction)
		}
	}
}

// span returns how many lines lie between a function's braces.
func (t *Tree) span(d *ast.FuncDecl) int {
	return max(0, t.line(d.Body.Rbrace)-t.line(d.Body.Lbrace)-1)
}
