package publish_test

import (
	"encoding/json"
	"testing"
	"time"

	"rapport/infra/publish"
	"rapport/shared/audience"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// sample returns the strategy that the repository ships with.
func sample(t testing.TB) *strategy.Strategy {
	t.Helper()
	doc, problems := publish.Load("../strategy")
	for _, p := range problems {
		t.Errorf("the sample has a problem: %s", p)
	}
	s, err := strategy.Ready(doc)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSampleAudiences(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	view := func(known bool, first time.Time, computed, traits map[string]string) *person.View {
		v := &person.View{
			Known: known, FirstSeen: first, LastSeen: first, Traits: map[string]person.Trait{},
			Computed: map[string]json.RawMessage{"orders": []byte("0"), "revenue": []byte("0"), "pages": []byte("0")},
		}
		for name, value := range computed {
			v.Computed[name] = json.RawMessage(value)
		}
		for name, value := range traits {
			v.Traits[name] = person.Trait{Value: json.RawMessage(value)}
		}
		return v
	}
	yesterday := now.AddDate(0, 0, -1)
	cases := []struct {
		name string
		view *person.View
		want []string
	}{
		{"nobody", view(false, time.Time{}, nil, nil), nil},
		{"only identified", view(true, yesterday, nil, nil), nil},
		{"identified by a browser without proof", view(false, yesterday, nil, nil), nil},
		{"looked at a page", view(false, yesterday, map[string]string{"pages": "1"}, nil), []string{"new-visitor"}},
		{"looked at a page a week ago", view(false, now.AddDate(0, 0, -7), map[string]string{"pages": "1"}, nil), nil},
		{"bought once", view(false, yesterday, map[string]string{"pages": "9", "orders": "1", "revenue": "499.99"}, nil), nil},
		{"bought three times", view(true, yesterday, map[string]string{"orders": "3"}, nil), []string{"vip"}},
		{"bought for 500", view(true, yesterday, map[string]string{"orders": "1", "revenue": "500.00"}, nil), []string{"vip"}},
		{"lives in Ukraine", view(true, yesterday, nil, map[string]string{"country": `"UA"`}), []string{"from-ukraine"}},
		{"lives in Poland", view(true, yesterday, nil, map[string]string{"country": `"PL"`}), nil},
	}
	s := sample(t)
	var facts audience.Facts
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s.Rules.Fill(&facts, c.view, nil, now)
			for i, a := range s.Audiences {
				want := len(c.want) > 0 && c.want[0] == a.ID
				if got, _ := s.Rules.Match(i, &facts); got != want {
					t.Errorf("%s: %v, want %v: %s", a.ID, got, want, s.Rules.Why(i, &facts))
				}
			}
		})
	}
}

func TestSampleShowsTheBestBlockFirst(t *testing.T) {
	s := sample(t)
	for _, slot := range []string{"hero", "banner"} {
		var got []string
		for _, b := range s.BlocksOf(slot) {
			got = append(got, b.Audience)
		}
		want := []string{"vip", "from-ukraine", "new-visitor", ""}
		for i := range want {
			if i >= len(got) || got[i] != want[i] {
				t.Fatalf("%s offers blocks for %q, want %q", slot, got, want)
			}
		}
	}
}
