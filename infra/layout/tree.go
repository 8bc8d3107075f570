package layout

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Tree is the repository as the rules see it.
type Tree struct {
	Module   string              // the module's path
	Packages map[string]*Package // by folder
	Texts    map[string][]byte   // every text file, by path
	fset     *token.FileSet
}

// Package is the Go code of one folder.
type Package struct {
	Dir   string
	Name  string // of its non-test files; of its tests when there are no others
	Files []*File
}

// File is one Go file.
type File struct {
	Path  string
	Test  bool // its name ends in _test.go
	Lines int
	ast   *ast.File
}

// skipped are folders that hold what was built or installed, not what is kept.
var skipped = []string{".git", ".tools", ".aws-sam", ".rapport", "node_modules", "bin"}

// Read reads the tree.
func Read(fsys fs.FS) (*Tree, error) {
	t := &Tree{Packages: map[string]*Package{}, Texts: map[string][]byte{}, fset: token.NewFileSet()}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil && name != "." && errors.Is(err, fs.ErrNotExist):
			return nil // removed while we walk
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains(skipped, entry.Name()):
			return fs.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		return t.read(fsys, name)
	})
	if err != nil {
		return nil, err
	}
	module, _, _ := strings.Cut(strings.TrimPrefix(string(t.Texts["go.mod"]), "module "), "\n")
	if t.Module = strings.TrimSpace(module); t.Module == "" {
		return nil, errors.New("layout: the tree has no go.mod that begins with its module path")
	}
	return t, nil
}

func (t *Tree) read(fsys fs.FS, name string) error {
	data, err := fs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if bytes.IndexByte(data[:min(len(data), 8000)], 0) >= 0 {
		return nil // a picture or another binary
	}
	t.Texts[name] = data
	if path.Ext(name) != ".go" || strings.Contains("/"+name, "/testdata/") {
		return nil
	}
	return t.parse(name, data)
}

func (t *Tree) parse(name string, data []byte) error {
	file, err := parser.ParseFile(t.fset, name, data, parser.ParseComments)
	if err != nil {
		return fmt.Errorf("layout: %w", err)
	}
	dir := path.Dir(name)
	p := t.Packages[dir]
	if p == nil {
		p = &Package{Dir: dir, Name: strings.TrimSuffix(file.Name.Name, "_test")}
		t.Packages[dir] = p
	}
	f := &File{Path: name, Test: strings.HasSuffix(name, "_test.go"), Lines: bytes.Count(data, []byte("\n")), ast: file}
	if !f.Test {
		p.Name = file.Name.Name
	}
	p.Files = append(p.Files, f)
	return nil
}

// line returns the line of a position.
func (t *Tree) line(pos token.Pos) int { return t.fset.Position(pos).Line }

// sources returns the package's files that are not tests.
func (p *Package) sources() []*File {
	return slices.DeleteFunc(slices.Clone(p.Files), func(f *File) bool { return f.Test })
}

// imported is one import of a file.
type imported struct {
	path string // as written
	dir  string // the folder, when it is a package of this tree; else ""
	line int
}

// imports returns what the file imports.
func (t *Tree) imports(f *File) []imported {
	var out []imported
	for _, spec := range f.ast.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser refuses such a file before
		}
		dir, ours := strings.CutPrefix(name, t.Module+"/")
		if !ours {
			dir = ""
		}
		out = append(out, imported{path: name, dir: dir, line: t.line(spec.Pos())})
	}
	return out
}

// isStandard reports whether the import belongs to Go itself: its first element
// has no dot.
func (t *Tree) isStandard(i imported) bool {
	first, _, _ := strings.Cut(i.path, "/")
	return i.dir == "" && !strings.Contains(first, ".")
}

// within reports whether the path is the folder or lies inside it.
func within(name, folder string) bool {
	return name == folder || strings.HasPrefix(name, folder+"/")
}
