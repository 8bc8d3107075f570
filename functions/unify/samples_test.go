package unify_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"rapport/functions/unify"
	"rapport/infra/goldentest"
	"rapport/infra/publish"
	"rapport/shared/embedded"
	"rapport/shared/people"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func now() time.Time { return noon }

// record keeps the effects that are published.
type record struct{ effects []people.Effect }

func (r *record) Publish(_ context.Context, effects []people.Effect) error {
	r.effects = append(r.effects, effects...)
	return nil
}

// TestSamples folds each sample into an empty table, twice: the second delivery
// publishes the same and changes nothing.
func TestSamples(t *testing.T) {
	doc, _ := publish.Load("../../infra/strategy")
	strat, err := strategy.Ready(doc)
	if err != nil {
		t.Fatal(err)
	}
	goldentest.Samples(t, "unify", func(t *testing.T, payload []byte) any {
		db, err := embedded.Open(filepath.Join(t.TempDir(), "rapport.db"), now)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		commits := 0
		store := people.NewStore(db, now, func() string { commits++; return string(rune('a' + commits)) })
		var out []any
		letters := &queue{}
		for range 2 {
			published := &record{}
			f := unify.New(unify.Deps{
				People: store, Outlet: published, Parked: letters, Account: "123456789012", Log: slog.New(slog.DiscardHandler),
				Strategy: strategyFunc(func() (*strategy.Strategy, error) { return strat, nil }),
			})
			response, err := f.Handle(context.Background(), payload)
			if err != nil {
				t.Fatal(err)
			}
			p, err := store.Find(context.Background(), person.NodeID{Kind: person.UserID, Value: "u1"})
			if err != nil {
				t.Fatal(err)
			}
			if p == nil {
				p = &person.Person{}
			}
			out = append(out, map[string]any{"response": response, "effects": published.effects, "computed": p.View(strat.Declared, noon).Computed})
			if names := letters.reasons(t); len(names) > 0 {
				out = append(out, map[string]any{"parked": names})
			}
		}
		return out
	})
}
