package liquid

import (
	"regexp"
	"slices"
	"strings"
)

// expression is what Lint reads of an expression: the paths in it, and its
// filters with the paths in theirs.
type expression struct {
	head    []string
	filters []filterUse
}

type filterUse struct {
	name  string
	paths []string
}

var (
	indexByName   = regexp.MustCompile(`\[\s*(?:"([\w-]+)"|'([\w-]+)')\s*\]`)
	indexByNumber = regexp.MustCompile(`\[[^\]]*\]`)
	textLiteral   = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	keywordName   = regexp.MustCompile(`[A-Za-z_][\w-]*\s*:`)
	pathPattern   = regexp.MustCompile(`[A-Za-z_][\w-]*(?:\[\]|\.[A-Za-z_][\w-]*)*\??`)
	words         = []string{"and", "or", "not", "contains", "true", "false", "nil", "null", "empty", "blank", "in", "limit", "offset", "reversed"}
)

func readExpression(source string) expression {
	source = indexByName.ReplaceAllString(source, ".$1$2")
	source = textLiteral.ReplaceAllString(source, " ")
	source = indexByNumber.ReplaceAllString(source, "[]")
	var e expression
	for i, part := range strings.Split(source, "|") {
		if i == 0 {
			e.head = pathsIn(part)
			continue
		}
		name, args, _ := strings.Cut(part, ":")
		e.filters = append(e.filters, filterUse{strings.TrimSpace(name), pathsIn(args)})
	}
	return e
}

func pathsIn(source string) []string {
	var paths []string
	for _, path := range pathPattern.FindAllString(keywordName.ReplaceAllString(source, " "), -1) {
		if !slices.Contains(words, path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// perhaps stands for a value of an assigned name that may be missing.
const perhaps = "?"

// resolve replaces a name from a loop or an assign by the path it stands for.
func (s scope) resolve(path string) string {
	root, rest := path, ""
	if at := strings.IndexAny(path, ".["); at >= 0 {
		root, rest = path[:at], path[at:]
	}
	target, local := s.vars[root]
	switch {
	case !local:
		return path
	case target == "" || target == perhaps:
		return target
	default:
		return target + rest
	}
}

// state says what is known of a path.
type state int

const (
	unknown state = iota
	present
	missing // or may be
	whole   // an object or a list
)

func (l *linter) state(path string, s scope) state {
	resolved := s.resolve(path)
	switch {
	case resolved == "":
		return present
	case resolved == perhaps:
		return missing
	}
	for _, part := range []string{".first", ".last"} {
		resolved = strings.ReplaceAll(resolved+".", part+".", "[].")
		resolved = strings.TrimSuffix(resolved, ".")
	}
	list, sized := strings.CutSuffix(resolved, ".size")
	if sized && l.leads(list) != unknown {
		return present
	}
	found := l.leads(resolved)
	if found == missing && s.sure[resolved] {
		return present
	}
	return found
}

// leads looks a path up.
func (l *linter) leads(path string) state {
	if always, ok := l.known[path]; ok {
		if always {
			return present
		}
		return missing
	}
	for known := range l.known {
		if strings.HasPrefix(known, path+".") || strings.HasPrefix(known, path+"[]") {
			return whole
		}
		if under, any := strings.CutSuffix(known, "*"); any && strings.HasPrefix(path, under) {
			return missing
		}
	}
	return unknown
}
