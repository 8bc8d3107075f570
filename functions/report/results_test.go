package report_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"rapport/functions/report"
	"rapport/shared/access"
	"rapport/shared/insight"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// numbers are what was counted of the strategy's first slot and first journey.
var numbers = map[string]map[string]int64{
	"hero-welcome": {"exposures": 4120, "clicks": 206, "people": 1830, "buyers": 55, "orders": 61, "value/EUR": 184320},
	"hero-new":     {"exposures": 2316, "clicks": 301, "people": 1204, "buyers": 61, "orders": 64, "value/EUR": 201045, "value/UAH": 1250000},
	"hero-ua":      {"exposures": 148, "clicks": 15, "people": 96, "buyers": 6, "orders": 6, "value/UAH": 640050},
	"journey": {
		"planned": 1284, "sent": 1013, "skipped/goal": 171, "skipped/consent": 64, "skipped/suppressed": 9, "rejected": 3, "unknown": 1,
		"delivered": 1001, "opened": 412, "clicked": 128, "bounced": 12, "complained": 1, "goal": 263,
	},
}

// counted puts the numbers into the table. Blocks were decided today and, as
// often again, ten days ago.
func counted(t *testing.T, tb table.Table, s *strategy.Strategy) *insight.Counters {
	t.Helper()
	owner := 0
	c := insight.NewCounters(tb, now, func() string { owner++; return fmt.Sprint(t.Name(), owner) })
	var tallies []insight.Tally
	add := func(subject, day string, cells map[string]int64) {
		for name, n := range cells {
			tallies = append(tallies, insight.Tally{
				ID: insight.ID(subject, day, name), Day: day, Cells: []insight.Cell{{Name: subject + "/" + name, N: n}},
			})
		}
	}
	for _, b := range s.Blocks {
		add(insight.Name("block", b.Slot, b.ID), "2026-11-24", numbers[b.ID])
		add(insight.Name("block", b.Slot, b.ID), "2026-11-14", numbers[b.ID])
	}
	for _, j := range s.Journeys[:min(1, len(s.Journeys))] {
		add(insight.Name("journey", j.ID), "", numbers["journey"])
	}
	add("receipts", "2026-11-24", map[string]int64{"refused/forged": 12})
	for _, err := range c.Count(context.Background(), tallies) {
		if err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func TestReportStatus(t *testing.T) {
	h := serve(t)
	for name, c := range map[string]struct {
		path, key string
		status    int
		has       string
	}{
		"row 1 no key":     {"/v1/reports/blocks", "", 401, `"code"`},
		"row 3 write key":  {"/v1/reports/journeys", "demo-write", 403, `"secret_key_required"`},
		"no such report":   {"/v1/reports/people", "demo-secret", 404, `"no_route"`},
		"too many days":    {"/v1/reports/blocks?days=93", "demo-secret", 422, `"field":"days"`},
		"no days":          {"/v1/reports/blocks?days=0", "demo-secret", 422, `"field":"days"`},
		"days are no word": {"/v1/reports/blocks?days=all", "demo-secret", 422, `"field":"days"`},
		"as many days":     {"/v1/reports/blocks?days=92", "demo-secret", 200, `"from":"2026-08-25"`},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := get(h, c.path, c.key)
			if status != c.status || !strings.Contains(body, c.has) {
				t.Errorf("%d %s, want %d with %s", status, body, c.status, c.has)
			}
		})
	}
}

// The window halves the numbers, and what cannot be computed says why.
func TestBlockNumbers(t *testing.T) {
	h := serve(t)
	for path, times := range map[string]int64{"/v1/reports/blocks": 2, "/v1/reports/blocks?days=7": 1, "/v1/reports/blocks?days=11": 2} {
		_, body := get(h, path, "demo-secret")
		var answer struct {
			Slots []struct {
				Slot   string
				Blocks []struct {
					Block     string
					Exposures int64
					Value     map[string]string
					ClickRate struct {
						Value   *float64
						N       int64
						Low     float64
						Method  string
						Missing string
					}
				}
			}
			RefusedReceipts map[string]int64
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, slot := range answer.Slots {
			for _, b := range slot.Blocks {
				want := numbers[b.Block]
				found += len(want)
				if b.Exposures != want["exposures"]*times || b.ClickRate.N != b.Exposures {
					t.Errorf("%s: %+v", path, b)
				}
				switch r := b.ClickRate; {
				case want == nil && (r.Value != nil || r.Missing == ""):
					t.Errorf("%s of nothing: %+v", b.Block, r)
				case want != nil && (r.Value == nil || r.Low <= 0 || r.Method != "Wilson score interval"):
					t.Errorf("%s: %+v", b.Block, r)
				}
				if b.Block == "hero-new" && b.Value["EUR"] != map[int64]string{1: "2010.45", 2: "4020.90"}[times] {
					t.Errorf("value %v", b.Value)
				}
			}
		}
		if found == 0 || answer.RefusedReceipts["forged"] != 12 {
			t.Errorf("%s: %s", path, body)
		}
	}
}

// paths plays the counters.
type paths struct{ list []insight.Path }

func (p paths) Blocks(context.Context, *strategy.Strategy, insight.Window) ([]insight.Result, error) {
	return nil, p.err()
}

func (p paths) Refused(context.Context, insight.Window) (map[string]int64, error) {
	return nil, p.err()
}

func (p paths) Journeys(context.Context, *strategy.Strategy) ([]insight.Path, error) {
	return p.list, p.err()
}

func (p paths) err() error {
	if p.list == nil {
		return errors.New("down")
	}
	return nil
}

func over(t *testing.T, results report.Results) http.Handler {
	t.Helper()
	k, err := access.NewKeys([]string{"demo-write"}, []string{"demo-secret"})
	if err != nil {
		t.Fatal(err)
	}
	return report.New(report.Deps{
		Strategy: fixed{&strategy.Strategy{Document: strategy.Document{Zone: "Europe/Kyiv"}}}, Results: results, Keys: k, Now: now,
		Log: slog.New(slog.DiscardHandler),
	})
}

func TestJourneyNumbers(t *testing.T) {
	h := over(t, paths{[]insight.Path{
		{Journey: "cart", Planned: 10, Sent: 6, Skipped: []insight.Reason{{Reason: "goal", N: 2}}, Unknown: 1, Pending: 1, Opened: 3, Goal: 4},
		{Journey: "odd", Sent: 1, Disagrees: []string{"planned is 0"}},
	}})
	_, body := get(h, "/v1/reports/journeys", "demo-secret")
	for _, want := range []string{
		`"planned":10,"sent":6,"skipped":{"goal":2},"rejected":0,"unknown":1,"pending":1`, `"balanced":true`,
		`"openRate":{"value":0.5,"n":6,"low":0.18`, `"balanced":false,"disagrees":["planned is 0"]`,
		`"goalRate":{"value":null,"n":0,"missing":"`, `"window":{"from":"the beginning","to":"2026-11-24","zone":"Europe/Kyiv"}`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
}

func TestCountersAreDown(t *testing.T) {
	h := over(t, paths{})
	for _, path := range []string{"/v1/reports/blocks", "/v1/reports/journeys", "/console/"} {
		if status, body := get(h, path, "demo-secret"); status != 500 || strings.Contains(body, "down") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

func TestZoneThatNobodyKnows(t *testing.T) {
	k, err := access.NewKeys(nil, []string{"demo-secret"})
	if err != nil {
		t.Fatal(err)
	}
	h := report.New(report.Deps{
		Strategy: fixed{&strategy.Strategy{Document: strategy.Document{Zone: "Nowhere/Town"}}}, Results: paths{[]insight.Path{}}, Keys: k,
		Now: func() time.Time { return noon }, Log: slog.New(slog.DiscardHandler),
	})
	for _, path := range []string{"/v1/reports/blocks", "/v1/reports/journeys"} {
		if status, _ := get(h, path, "demo-secret"); status != 500 {
			t.Errorf("%s: %d", path, status)
		}
	}
}
