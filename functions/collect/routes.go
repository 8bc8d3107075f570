package collect

import (
	"iter"

	"rapport/shared/event"
)

// calls are the last segments of paths, long and short as the SDKs use them.
// The batch calls have no type of their own.
var calls = map[string]event.Type{
	"track": event.Track, "t": event.Track,
	"identify": event.Identify, "i": event.Identify,
	"page": event.Page, "p": event.Page,
	"screen": event.Screen, "s": event.Screen,
	"group": event.Group, "g": event.Group,
	"alias": event.Alias, "a": event.Alias,
	"batch": "", "b": "", "import": "",
}

// prefixes are what stands before a call: the plain API, the one with the write
// key in the path, and those that other SDKs ask for: Jitsu's in browsers and on
// servers, and the beacon of RudderStack's.
var prefixes = []string{"/v1/", "/k/{writeKey}/v1/", "/api/s/", "/api/s/s2s/", "/beacon/v1/"}

// routes yields every path with the type of its events.
func routes() iter.Seq2[string, event.Type] {
	return func(yield func(string, event.Type) bool) {
		for _, prefix := range prefixes {
			for call, kind := range calls {
				if !yield(prefix+call, kind) {
					return
				}
			}
		}
	}
}
