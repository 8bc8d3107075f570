package insight_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"rapport/shared/insight"
	"rapport/shared/table"
)

func journeyOf(cells ...insight.Cell) insight.Tally {
	t := insight.Tally{ID: "all"}
	for _, c := range cells {
		t.Cells = append(t.Cells, insight.Cell{Name: "journey/cart/" + c.Name, N: c.N})
	}
	return t
}

func TestPathBalances(t *testing.T) {
	for name, c := range map[string]struct {
		cells     []insight.Cell
		pending   int64
		skipped   string
		disagrees string // part of the only complaint
	}{
		"nothing yet": {},
		"under way":   {cells: []insight.Cell{{"planned", 10}, {"sent", 4}, {"skipped/goal", 1}, {"skipped/consent", 2}, {"rejected", 1}, {"unknown", 1}}, pending: 1, skipped: "[{consent 2} {goal 1}]"},
		"settled":     {cells: []insight.Cell{{"planned", 1}, {"unknown", 1}, {"unknown", -1}, {"sent", 1}}},
		"too many decided": {
			cells: []insight.Cell{{"planned", 2}, {"sent", 2}, {"skipped/goal", 1}}, skipped: "[{goal 1}]",
			disagrees: "planned is 2, yet 3 are accounted for: sent 2, skipped 1, rejected 0, unknown 0",
		},
		"more opened than sent": {cells: []insight.Cell{{"planned", 2}, {"sent", 1}, {"opened", 2}}, pending: 1, disagrees: "opened is 2, yet only 1 are sent"},
		"below zero":            {cells: []insight.Cell{{"planned", 2}, {"unknown", -1}}, pending: 3, disagrees: "unknown is -1, below zero"},
		"more goals":            {cells: []insight.Cell{{"planned", 2}, {"goal", 3}}, pending: 2, disagrees: "goal is 3, yet only 2 are planned"},
	} {
		t.Run(name, func(t *testing.T) {
			c1 := newCounters(newTable(t, at(noon)), noon)
			if len(c.cells) > 0 {
				count(t, c1, journeyOf(c.cells...))
			}
			p := path(t, c1)
			if p.Pending != c.pending || c.skipped != "" && fmt.Sprint(p.Skipped) != c.skipped {
				t.Errorf("pending %d, skipped %v", p.Pending, p.Skipped)
			}
			whole := p.Planned == p.Sent+p.SkippedAll()+p.Rejected+p.Unknown+p.Pending
			switch {
			case c.disagrees == "" && (len(p.Disagrees) > 0 || !whole):
				t.Errorf("does not balance: %+v", p)
			case c.disagrees != "" && (len(p.Disagrees) != 1 || !strings.Contains(p.Disagrees[0], c.disagrees)):
				t.Errorf("complains %q", p.Disagrees)
			}
		})
	}
}

func TestBlocks(t *testing.T) {
	c := newCounters(newTable(t, at(noon)), noon)
	for i, n := range []int{148, 15, 100, 5, 7} {
		name := []string{"exposures", "clicks", "people", "buyers", "orders"}[i]
		count(t, c, one(name, "block/hero/warm/"+name, int64(n)))
	}
	count(t, c, one("v1", "block/hero/warm/value/EUR", 1999), one("v2", "block/hero/warm/value/UAH", 50000), one("v3", "block/hero/gone/clicks", 4),
		one("r1", "receipts/refused/forged", 2))
	results, err := c.Blocks(context.Background(), sample(t), insight.Window{})
	if err != nil || len(results) != 2 || results[0].Block != "warm" || results[1].Block != "plain" {
		t.Fatal(results, err)
	}
	w := results[0]
	if w.Exposures != 148 || w.Orders != 7 || fmt.Sprint(w.Value) != "map[EUR:1999 UAH:50000]" || !near(w.ClickRate.Low, 0.0623863995307363) ||
		w.OrderRate.Hits != 5 || w.OrderRate.N != 100 {
		t.Errorf("%+v", w)
	}
	if results[1].ClickRate.Missing == "" || results[1].OrderRate.Missing == "" {
		t.Errorf("nobody saw it: %+v", results[1])
	}
	if refused, err := c.Refused(context.Background(), insight.Window{}); err != nil || fmt.Sprint(refused) != "map[forged:2]" {
		t.Error(refused, err)
	}
}

// A window holds its calendar days in the zone, through a change of the clocks,
// and nothing else.
func TestWindow(t *testing.T) {
	kyiv, err := time.LoadLocation("Europe/Kyiv")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 10, 26, 22, 30, 0, 0, time.UTC) // 27 October in Kyiv; the clocks changed on the 25th
	c := newCounters(newTable(t, at(now)), now)
	for i, day := range []string{"2026-10-23", "2026-10-24", "2026-10-25", "2026-10-26", "2026-10-27", "2026-10-28"} {
		tally := one(day, "block/hero/warm/exposures", int64(1)<<(4*i))
		tally.Day = day
		count(t, c, tally)
	}
	count(t, c, one("no day", "block/hero/warm/exposures", 1<<24))
	for days, want := range map[int]int64{0: 0x1111111, 1: 0x10000, 2: 0x11000, 4: 0x11110, 90: 0x11111} {
		results, err := c.Blocks(context.Background(), sample(t), insight.Window{Days: days, Zone: kyiv})
		if err != nil || results[0].Exposures != want {
			t.Errorf("%d days: %x, want %x (%v)", days, results[0].Exposures, want, err)
		}
	}
}

// broken cannot be read.
type broken struct{ table.Table }

func (broken) Query(context.Context, string, table.Range) (table.Page, error) {
	return table.Page{}, errors.New("down")
}

func TestUnreadable(t *testing.T) {
	c := newCounters(broken{}, noon)
	if _, err := c.Blocks(context.Background(), sample(t), insight.Window{Days: 60, Zone: time.UTC}); err == nil {
		t.Error("blocks of a table that cannot be read")
	}
	if _, err := c.Journeys(context.Background(), sample(t)); err == nil {
		t.Error("journeys of a table that cannot be read")
	}
	if _, err := c.Refused(context.Background(), insight.Window{}); err == nil {
		t.Error("receipts of a table that cannot be read")
	}
}
