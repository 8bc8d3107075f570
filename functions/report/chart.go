package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// full is how many units of the drawing a full bar is wide.
const full = 1000

// view is the console as the template draws it.
type view struct {
	Window   window
	Strategy string
	Periods  []period
	Journeys []journeyChart
	Slots    []slotChart
	Refused  string // how many receipts were not counted, "" for none
}

// period is a choice of days for the charts of blocks.
type period struct {
	Label, Link string
	Chosen      bool
}

// journeyChart is the funnel of a journey.
type journeyChart struct {
	Journey   string
	Bars      []bar
	Notes     []fact // what is left of planned, so that the sum is seen to hold
	Skipped   []fact
	Waiting   []fact // what pending mails wait for
	Disagrees []string
}

// bar is one line of a chart. Low and High are the ends of its interval.
type bar struct {
	Label, Text, Detail string
	Width, Low, High    int  // in units of the drawing
	Interval            bool // Low and High mean something
	Missing             string
}

type fact struct{ Label, Text string }

// slotChart compares the blocks of a slot.
type slotChart struct {
	Slot   string
	Charts []rateChart
	Values []fact
}

type rateChart struct {
	Title, Scale string
	Bars         []bar
}

func draw(b blocksAnswer, j journeysAnswer, days int) view {
	v := view{Window: b.Window, Strategy: b.Strategy, Refused: refusals(b.Refused)}
	for _, d := range []int{7, 30, 0} {
		p := period{Label: fmt.Sprintf("%d days", d), Link: fmt.Sprintf("?days=%d", d), Chosen: d == days}
		if d == 0 {
			p.Label, p.Link = "everything", "?"
		}
		v.Periods = append(v.Periods, p)
	}
	for _, r := range j.Journeys {
		v.Journeys = append(v.Journeys, funnel(r))
	}
	for _, s := range b.Slots {
		v.Slots = append(v.Slots, slot(s))
	}
	return v
}

func refusals(refused map[string]int64) string {
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(refused)) {
		parts = append(parts, number(refused[reason])+" "+reason)
	}
	return strings.Join(parts, ", ")
}

// funnel draws planned, sent and what followed. Bars are shares of the longest,
// which is planned unless counters disagree.
func funnel(r journeyResult) journeyChart {
	c := journeyChart{Journey: r.Journey, Disagrees: r.Disagrees}
	steps := []struct {
		label string
		n     int64
		rate  rate
		of    string
	}{
		{"Planned", r.Planned, rate{}, ""},
		{"Sent", r.Sent, rate{}, ""},
		{"Opened", r.Opened, r.OpenRate, "of sent"},
		{"Clicked", r.Clicked, r.ClickRate, "of sent"},
		{"Ordered", r.Goal, r.GoalRate, "of planned"},
	}
	longest := int64(1)
	for _, s := range steps {
		longest = max(longest, s.n)
	}
	for _, s := range steps {
		b := bar{Label: s.label, Text: number(s.n), Width: int(max(0, s.n) * full / longest)}
		if s.rate.Value != nil {
			b.Detail = fmt.Sprintf("%s %s, %s to %s", percent(*s.rate.Value), s.of, percent(*s.rate.Low), percent(*s.rate.High))
		}
		c.Bars = append(c.Bars, b)
	}
	for _, f := range []struct {
		label string
		n     int64
	}{
		{"sent", r.Sent}, {"skipped", sumOf(r.Skipped)}, {"rejected", r.Rejected}, {"unknown", r.Unknown}, {"pending", r.Pending},
	} {
		c.Notes = append(c.Notes, fact{f.label, number(f.n)})
	}
	for _, reason := range slices.Sorted(maps.Keys(r.Waiting)) {
		c.Waiting = append(c.Waiting, fact{inWords(waits, reason), number(r.Waiting[reason])})
	}
	byNumber := func(a, b string) int { return cmp.Compare(r.Skipped[b], r.Skipped[a]) }
	for _, reason := range slices.SortedStableFunc(slices.Values(slices.Sorted(maps.Keys(r.Skipped))), byNumber) {
		c.Skipped = append(c.Skipped, fact{reason, number(r.Skipped[reason])})
	}
	return c
}

func sumOf(counts map[string]int64) int64 {
	var total int64
	for _, n := range counts {
		total += n
	}
	return total
}

func slot(s slotResult) slotChart {
	out := slotChart{Slot: s.Slot}
	clicks := make([]rate, len(s.Blocks))
	orders := make([]rate, len(s.Blocks))
	names := make([]string, len(s.Blocks))
	for i, b := range s.Blocks {
		names[i], clicks[i], orders[i] = b.Block, b.ClickRate, b.OrderRate
		if len(b.Value) > 0 {
			var sums []string
			for _, currency := range slices.Sorted(maps.Keys(b.Value)) {
				whole, part, _ := strings.Cut(b.Value[currency], ".")
				sums = append(sums, apart(whole)+"."+part+" "+currency)
			}
			out.Values = append(out.Values, fact{b.Block, number(b.Orders) + " orders, " + strings.Join(sums, ", ")})
		}
	}
	out.Charts = []rateChart{rates("Click rate", "exposures", names, clicks), rates("Order rate", "people", names, orders)}
	return out
}

// rates draws shares with their intervals on a common scale from zero.
func rates(title, of string, names []string, values []rate) rateChart {
	top := 0.0
	for _, r := range values {
		if r.High != nil && r.N >= fewest {
			top = max(top, *r.High)
		}
	}
	top = scaleFor(top)
	c := rateChart{Title: title}
	units := func(share float64) int { return int(min(share/top, 1)*full + 0.5) }
	for i, r := range values {
		b := bar{Label: names[i], Missing: r.Missing}
		if r.Value != nil {
			c.Scale = "bars from 0 to " + strconv.FormatFloat(top*100, 'g', 3, 64) + " %"
			b.Text, b.Width = percent(*r.Value), units(*r.Value)
			b.Low, b.High, b.Interval = units(*r.Low), units(*r.High), true
			b.Detail = fmt.Sprintf("%s to %s, n = %s %s", percent(*r.Low), percent(*r.High), number(r.N), of)
		}
		c.Bars = append(c.Bars, b)
	}
	return c
}

// fewest is how many a share needs before its interval may stretch the scale: a
// block that three people saw would make all the others invisible.
const fewest = 20

// scaleFor returns the first round share that holds top.
func scaleFor(top float64) float64 {
	for _, round := range []float64{0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8} {
		if top > 0 && top <= round {
			return round
		}
	}
	return 1
}

func percent(share float64) string {
	if share > 0 && share < 0.01 {
		return fmt.Sprintf("%.2f %%", share*100)
	}
	return fmt.Sprintf("%.1f %%", share*100)
}

// number writes thousands apart: 12 345.
func number(n int64) string { return apart(strconv.FormatInt(n, 10)) }

func apart(digits string) string {
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:]
	}
	return digits
}
