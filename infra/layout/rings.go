package layout

import "strings"

// ring is how far outside a package stands: 1 is the product itself, 4 the
// machinery around it. Zero is outside every ring.
type ring int

const (
	nouns     ring = 1
	adapters  ring = 2
	verbs     ring = 3
	machinery ring = 4
)

// ringOf tells the ring by the folder alone.
func ringOf(dir string) ring {
	parts := strings.Split(dir, "/")
	switch {
	case parts[0] == "infra":
		return machinery
	case parts[0] == "functions" && len(parts) == 3 && parts[2] == "lambda":
		return machinery
	case parts[0] == "functions" && len(parts) == 2:
		return verbs
	case within(dir, "shared/aws"), within(dir, "shared/embedded"), within(dir, "shared/httpapi"):
		return adapters
	case parts[0] == "shared" && len(parts) >= 2:
		return nouns
	default:
		return 0
	}
}

// rings holds the rule that imports point inward.
func rings(t *Tree, bad report) {
	for dir, p := range t.Packages {
		if ringOf(dir) == 0 {
			bad(dir, 0, "no place for Go code; move it to functions/<verb>, functions/<verb>/lambda, shared/<noun> or infra/<machinery>")
			continue
		}
		for _, f := range p.sources() {
			for _, i := range t.imports(f) {
				if i.dir != "" && i.dir != dir {
					judgeImport(dir, i.dir, func(format string, args ...any) { bad(f.Path, i.line, format, args...) })
				}
			}
		}
	}
}

// judgeImport says what is wrong with the package in the folder from importing
// the one in the folder to.
func judgeImport(from, to string, bad func(format string, args ...any)) {
	inner, outer := ringOf(to), ringOf(from)
	switch {
	case inner > outer:
		bad("imports %s, which stands further out; declare a small interface here and let the caller pass it in", to)
	case outer == verbs && inner == verbs:
		bad("imports %s, another function; move what both need to shared/<noun>", to)
	case outer == adapters && inner == adapters:
		bad("imports %s, another adapter; move what both need to shared/<noun>, or join them in the lambda's main", to)
	case outer == verbs && inner == adapters && to != "shared/httpapi":
		bad("imports %s, an adapter; declare the small interface that you need, and let lambda/main.go and the local cloud pass the adapter in", to)
	case isLambda(from) && ringOf(to) == verbs && verbOf(from) != to:
		bad("imports %s; a lambda wires its own function only", to)
	case isLambda(from) && inner == machinery:
		bad("imports %s; what a lambda needs belongs to shared/aws, so that no tool is linked into it", to)
	case from == "shared/person" && inner == nouns && !belowPerson[to]:
		bad("imports %s; person stands below every other noun, so move this rule to people or to the noun itself", to)
	case inner == nouns && outer == nouns && to == "shared/people":
		bad("imports shared/people, which joins the nouns; take what you need as an argument")
	}
}

// belowPerson are the packages of ring 1 that person may use: they say how to
// fail, how to store, how to read and how to add, and nothing about customers.
var belowPerson = map[string]bool{"shared/fault": true, "shared/table": true, "shared/wire": true, "shared/decimal": true}

func isLambda(dir string) bool {
	return strings.HasPrefix(dir, "functions/") && strings.HasSuffix(dir, "/lambda")
}

// verbOf returns the function's folder of a lambda's folder.
func verbOf(dir string) string { return strings.TrimSuffix(dir, "/lambda") }
