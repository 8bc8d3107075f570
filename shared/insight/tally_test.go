package insight_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"rapport/shared/fault"
	"rapport/shared/insight"
)

func TestParseTally(t *testing.T) {
	cells := func(n int) string {
		var out []string
		for i := range n {
			out = append(out, fmt.Sprintf(`{"name":"journey/j%d/sent","n":1}`, i))
		}
		return "[" + strings.Join(out, ",") + "]"
	}
	cell := func(name string) string { return fmt.Sprintf(`{"id":"a","cells":[{"name":%q,"n":1}]}`, name) }
	for name, c := range map[string]struct {
		text, field string
		kind        fault.Kind
		ok          bool
	}{
		"plain":              {text: cell("journey/cart/sent"), ok: true},
		"reason":             {text: cell("journey/cart/skipped/goal"), ok: true},
		"block":              {text: cell("block/hero/warm/value/EUR"), ok: true},
		"with a day":         {text: `{"id":"a","day":"2026-11-24","cells":` + cells(25) + `}`, ok: true},
		"as many as fit":     {text: `{"id":"a","cells":` + cells(50) + `}`, ok: true},
		"taken back":         {text: `{"id":"a","cells":[{"name":"journey/cart/unknown","n":-1}]}`, ok: true},
		"no JSON":            {text: `{`, kind: fault.Malformed},
		"other JSON":         {text: `[]`, kind: fault.Malformed},
		"no id":              {text: `{"cells":` + cells(1) + `}`, field: "id", kind: fault.Invalid},
		"no cells":           {text: `{"id":"a"}`, field: "cells", kind: fault.Invalid},
		"too many":           {text: `{"id":"a","cells":` + cells(51) + `}`, field: "cells", kind: fault.Invalid},
		"too many with days": {text: `{"id":"a","day":"2026-11-24","cells":` + cells(26) + `}`, field: "cells", kind: fault.Invalid},
		"no such day":        {text: `{"id":"a","day":"2026-11-31","cells":` + cells(1) + `}`, field: "day", kind: fault.Invalid},
		"unknown subject":    {text: cell("person/u1/sent"), field: "cells.name", kind: fault.Invalid},
		"no counter":         {text: cell("journey/cart"), field: "cells.name", kind: fault.Invalid},
		"empty segment":      {text: cell("journey//sent"), field: "cells.name", kind: fault.Invalid},
		"posing as a day":    {text: cell("journey/cart#2026-11-24/sent"), field: "cells.name", kind: fault.Invalid},
		"long counter":       {text: cell("journey/cart/" + strings.Repeat("x", 65)), field: "cells.name", kind: fault.Invalid},
		"nothing to add":     {text: `{"id":"a","cells":[{"name":"journey/cart/sent","n":0}]}`, field: "cells.n", kind: fault.Invalid},
		"too much":           {text: `{"id":"a","cells":[{"name":"journey/cart/sent","n":1000000000001}]}`, field: "cells.n", kind: fault.Invalid},
		"not whole":          {text: `{"id":"a","cells":[{"name":"journey/cart/sent","n":1.5}]}`, kind: fault.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			tally, err := insight.ParseTally(c.text)
			var f *fault.Error
			errors.As(err, &f)
			switch {
			case c.ok && err != nil, !c.ok && f == nil:
				t.Fatalf("%v", err)
			case c.ok && tally.String() != c.text:
				t.Errorf("%s is written as %s", c.text, tally)
			case !c.ok && (f.Kind != c.kind || f.Field != c.field):
				t.Errorf("%v in %q, want %v in %q", f.Kind, f.Field, c.kind, c.field)
			}
		})
	}
}

func TestNamesAndIDs(t *testing.T) {
	if got := insight.Name("block", "a/b", "c#d e"); got != "block/a%2Fb/c%23d%20e" {
		t.Errorf("Name = %s", got)
	}
	if len(insight.ID("x")) != 26 || insight.ID("a", "b") == insight.ID("a/b") || insight.ID("a", "") == insight.ID("a") {
		t.Error("different happenings share an id")
	}
	kyiv, err := time.LoadLocation("Europe/Kyiv")
	if err != nil {
		t.Fatal(err)
	}
	if got := insight.Day(time.Date(2026, 11, 24, 22, 30, 0, 0, time.UTC), kyiv); got != "2026-11-25" {
		t.Errorf("Day = %s", got)
	}
}
