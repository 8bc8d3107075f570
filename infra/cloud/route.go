package cloud

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// route leads a method and a path to a function.
type route struct {
	spec     routeSpec
	segments []string
	function *function
}

// key is the route as API Gateway names it: "GET /v1/people/{node}".
func (r route) key() string { return r.spec.Method + " " + r.spec.Path }

// sortRoutes puts the most specific route first: literal segments before
// {variables}, those before {rest+}, a method before ANY.
func sortRoutes(routes []route) {
	slices.SortStableFunc(routes, func(a, b route) int {
		for i := range min(len(a.segments), len(b.segments)) {
			if d := breadth(a.segments[i]) - breadth(b.segments[i]); d != 0 {
				return d
			}
		}
		if (a.spec.Method == "ANY") != (b.spec.Method == "ANY") {
			if a.spec.Method == "ANY" {
				return 1
			}
			return -1
		}
		return 0
	})
}

func breadth(segment string) int {
	switch {
	case strings.HasSuffix(segment, "+}"):
		return 2
	case strings.HasPrefix(segment, "{"):
		return 1
	default:
		return 0
	}
}

// find returns the route for a request and the values of its variables.
func (g *gateway) find(r *http.Request) (route, map[string]string, bool) {
	segments := strings.Split(r.URL.EscapedPath(), "/")
	for _, candidate := range g.routes {
		if m := candidate.spec.Method; m != "ANY" && m != r.Method {
			continue
		}
		if parameters, ok := candidate.match(segments); ok {
			return candidate, parameters, true
		}
	}
	return route{}, nil, false
}

// match compares segment by segment; an escaped slash stays inside its own.
func (r route) match(segments []string) (map[string]string, bool) {
	var parameters map[string]string
	for i, pattern := range r.segments {
		if i >= len(segments) {
			return nil, false
		}
		width := breadth(pattern)
		value := segments[i]
		if width == 2 {
			value = strings.Join(segments[i:], "/")
		}
		plain, err := url.PathUnescape(value)
		switch {
		case err != nil, width > 0 && plain == "", width == 0 && plain != pattern:
			return nil, false
		case width > 0:
			if parameters == nil {
				parameters = map[string]string{}
			}
			parameters[strings.Trim(pattern, "{+}")] = plain
		}
		if width == 2 {
			return parameters, true
		}
	}
	return parameters, len(segments) == len(r.segments)
}
