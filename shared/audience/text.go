package audience

import (
	"slices"
	"strconv"
	"strings"
)

// String writes the program as CEL again, in one line.
func (p *Program) String() string {
	switch p.Op {
	case OpConst:
		return p.constantText()
	case OpGet:
		return pathText(p.Path)
	case OpHas:
		return "has(" + hasText(p.Path) + ")"
	case OpList:
		return "[" + listText(p.Args) + "]"
	case OpNot, OpNegate:
		return strings.Replace(p.Op, OpNegate, "-", 1) + p.inner(0, bindings[p.Op]+1)
	case OpIf:
		return p.inner(0, 2) + " ? " + p.inner(1, 2) + " : " + p.inner(2, 1)
	case OpContains, OpStarts, OpEnds, OpMatches:
		return p.inner(0, 9) + "." + p.Op + "(" + listText(p.Args[1:]) + ")"
	}
	if strength, ok := bindings[p.Op]; ok {
		right := strength + 1
		if p.Op == OpAnd || p.Op == OpOr {
			right = strength // their arguments may be grouped in any way
		}
		return p.inner(0, strength) + " " + p.Op + " " + p.inner(1, right)
	}
	return p.Op + "(" + listText(p.Args) + ")"
}

// bindings says how tightly operators bind.
var bindings = map[string]int{
	OpIf: 1, OpOr: 2, OpAnd: 3,
	OpEqual: 4, OpUnequal: 4, OpLess: 4, OpAtMost: 4, OpGreater: 4, OpAtLeast: 4, OpIn: 4,
	OpAdd: 5, OpSubtract: 5, OpMultiply: 6, OpDivide: 6, OpRemainder: 6, OpNot: 7, OpNegate: 7,
}

// inner writes an argument, in brackets when it binds less tightly than asked.
func (p *Program) inner(i, strength int) string {
	a := &p.Args[i]
	own, ok := bindings[a.Op]
	if p.Op == OpNegate && a.Op == OpConst {
		return "(" + a.String() + ")" // or it would be read as a constant, of which -0 is 0
	}
	if a.Op == OpConst && strings.HasPrefix(a.Text, "-") && (a.Type == TypeInt || a.Type == TypeDouble) {
		own, ok = bindings[OpNegate]-1, true
	}
	if ok && own < strength {
		return "(" + a.String() + ")"
	}
	return a.String()
}

func (p *Program) constantText() string {
	switch p.Type {
	case TypeNull:
		return "null"
	case TypeString:
		return quote(p.Text)
	case TypeTime, TypeSpan:
		return p.Type + "(" + quote(p.Text) + ")"
	case TypeDouble:
		if !strings.ContainsAny(p.Text, ".eE") {
			return p.Text + ".0"
		}
	}
	return p.Text
}

func listText(args []Program) string {
	var parts []string
	for i := range args {
		parts = append(parts, args[i].String())
	}
	return strings.Join(parts, ", ")
}

// pathText writes a path as CEL does.
func pathText(path []string) string {
	var b strings.Builder
	for i, name := range path {
		switch {
		case i == 0:
			b.WriteString(name)
		case isIdentifier(name):
			b.WriteString("." + name)
		default:
			b.WriteString("[" + quote(name) + "]")
		}
	}
	return b.String()
}

// hasText writes the path inside has(), whose last name CEL takes with a dot
// only; one that cannot stand there was asked for with in.
func hasText(path []string) string {
	last := path[len(path)-1]
	if isIdentifier(last) {
		return pathText(path)
	}
	return pathText(path[:len(path)-1]) + "." + "`" + last + "`"
}

func quote(s string) string { return strconv.Quote(s) }

// reserved are the words that CEL keeps for itself.
var reserved = []string{
	"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in",
	"let", "loop", "namespace", "null", "package", "return", "true", "var", "void", "while",
}

// isIdentifier reports whether CEL lets the name stand behind a dot.
func isIdentifier(name string) bool {
	for i, c := range []byte(name) {
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != "" && !slices.Contains(reserved, name)
}
