package report

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
	_ "time/tzdata" // a Lambda's machine need not know zones

	"rapport/shared/fault"
	"rapport/shared/httpapi"
	"rapport/shared/insight"
	"rapport/shared/strategy"
)

// maxDays bounds how many days a report may ask for.
const maxDays = 92

// window says what period the numbers are of.
type window struct {
	From string `json:"from"` // first day, or "the beginning"
	To   string `json:"to"`   // last day, which is not over yet
	Zone string `json:"zone"`
}

// rate is a share with its interval; without a value, missing says why.
type rate struct {
	Value      *float64 `json:"value"`
	N          int64    `json:"n"`
	Low        *float64 `json:"low,omitempty"`
	High       *float64 `json:"high,omitempty"`
	Confidence float64  `json:"confidence,omitempty"`
	Method     string   `json:"method,omitempty"`
	Missing    string   `json:"missing,omitempty"`
}

func rateOf(r insight.Rate) rate {
	if r.Missing != "" {
		return rate{N: r.N, Missing: r.Missing}
	}
	return rate{
		Value: rounded(r.Value), N: r.N, Low: rounded(r.Low), High: rounded(r.High), Confidence: insight.Confidence, Method: insight.Wilson,
	}
}

// rounded keeps ten digits after the point: the last bits of a float differ from
// one processor to another, and the same counts have the same answer.
func rounded(share float64) *float64 {
	const digits = 1e10
	out := math.Round(share*digits) / digits
	return &out
}

// blocksAnswer is what GET /v1/reports/blocks says.
type blocksAnswer struct {
	Window   window            `json:"window"`
	Meaning  map[string]string `json:"meaning"`
	Slots    []slotResult      `json:"slots"`
	Refused  map[string]int64  `json:"refusedReceipts"`
	Strategy string            `json:"strategy"`
}

type slotResult struct {
	Slot   string        `json:"slot"`
	Blocks []blockResult `json:"blocks"`
}

type blockResult struct {
	Block     string            `json:"block"`
	Exposures int64             `json:"exposures"`
	Clicks    int64             `json:"clicks"`
	People    int64             `json:"people"`
	Buyers    int64             `json:"buyers"`
	Orders    int64             `json:"orders"`
	Value     map[string]string `json:"value"` // by currency, exact decimals
	ClickRate rate              `json:"clickRate"`
	OrderRate rate              `json:"orderRate"`
}

// meaning stands beside the numbers, because a rate is nothing without it.
var meaning = map[string]string{
	"clickRate": "clicks ÷ exposures; both count once for each receipt, on the day it was decided",
	"orderRate": fmt.Sprintf("buyers ÷ people: who ordered within %d days of seeing the block; somebody who sees it again later counts again",
		insight.AttributionDays),
	"value": fmt.Sprintf("of all orders within %d days of seeing the block, by currency (XXX: none was given)", insight.AttributionDays),
}

func (f *function) blocks(w http.ResponseWriter, r *http.Request) {
	days, err := daysOf(r.URL.Query().Get("days"))
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	answer, err := f.blockResults(r.Context(), days)
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	httpapi.Encode(w, http.StatusOK, answer)
}

func daysOf(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxDays {
		return 0, fault.New(fault.Invalid, "bad_days", "days is a number from 1 to %d; leave it out for everything", maxDays).In("days")
	}
	return n, nil
}

func (f *function) blockResults(ctx context.Context, days int) (blocksAnswer, error) {
	current, err := f.Strategy.Current(ctx)
	if err != nil {
		return blocksAnswer{}, err
	}
	zone, err := zoneOf(current)
	if err != nil {
		return blocksAnswer{}, err
	}
	asked := insight.Window{Days: days, Zone: zone}
	results, err := f.Results.Blocks(ctx, current, asked)
	if err != nil {
		return blocksAnswer{}, err
	}
	refused, err := f.Results.Refused(ctx, asked)
	if err != nil {
		return blocksAnswer{}, err
	}
	answer := blocksAnswer{
		Window: f.window(days, zone), Meaning: meaning, Slots: []slotResult{}, Refused: refused, Strategy: current.Version,
	}
	for _, result := range results {
		if n := len(answer.Slots); n == 0 || answer.Slots[n-1].Slot != result.Slot {
			answer.Slots = append(answer.Slots, slotResult{Slot: result.Slot})
		}
		last := &answer.Slots[len(answer.Slots)-1]
		last.Blocks = append(last.Blocks, blockOf(result))
	}
	return answer, nil
}

func blockOf(r insight.Result) blockResult {
	out := blockResult{
		Block: r.Block, Exposures: r.Exposures, Clicks: r.Clicks, People: r.People, Buyers: r.Buyers, Orders: r.Orders,
		Value: map[string]string{}, ClickRate: rateOf(r.ClickRate), OrderRate: rateOf(r.OrderRate),
	}
	for currency, hundredths := range r.Value {
		out.Value[currency] = fmt.Sprintf("%d.%02d", hundredths/100, hundredths%100)
	}
	return out
}

func zoneOf(s *strategy.Strategy) (*time.Location, error) {
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		return nil, fault.New(fault.Internal, "bad_zone", "the zone of the strategy is not known here").Because(err)
	}
	return zone, nil
}

func (f *function) window(days int, zone *time.Location) window {
	now := f.Now().In(zone)
	out := window{From: "the beginning", To: now.Format(time.DateOnly), Zone: zone.String()}
	if days > 0 {
		out.From = now.AddDate(0, 0, 1-days).Format(time.DateOnly)
	}
	return out
}

// journeysAnswer is what GET /v1/reports/journeys says.
type journeysAnswer struct {
	Window   window          `json:"window"`
	Journeys []journeyResult `json:"journeys"`
	Strategy string          `json:"strategy"`
}

// journeyResult is what became of the mails that a journey planned: planned =
// sent + skipped + rejected + unknown + pending.
type journeyResult struct {
	Journey    string           `json:"journey"`
	Planned    int64            `json:"planned"`
	Sent       int64            `json:"sent"`
	Skipped    map[string]int64 `json:"skipped"` // by reason
	Rejected   int64            `json:"rejected"`
	Unknown    int64            `json:"unknown"`
	Pending    int64            `json:"pending"`
	Waiting    map[string]int64 `json:"waiting"` // of those pending, by reason
	Delivered  int64            `json:"delivered"`
	Opened     int64            `json:"opened"`
	Clicked    int64            `json:"clicked"`
	Bounced    int64            `json:"bounced"`
	Complained int64            `json:"complained"`
	Goal       int64            `json:"goal"`
	OpenRate   rate             `json:"openRate"`
	ClickRate  rate             `json:"clickRate"`
	GoalRate   rate             `json:"goalRate"`
	Balanced   bool             `json:"balanced"`
	Disagrees  []string         `json:"disagrees,omitempty"` // which counters do not fit each other
}

func (f *function) journeys(w http.ResponseWriter, r *http.Request) {
	answer, err := f.journeyResults(r.Context())
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	httpapi.Encode(w, http.StatusOK, answer)
}

func (f *function) journeyResults(ctx context.Context) (journeysAnswer, error) {
	current, err := f.Strategy.Current(ctx)
	if err != nil {
		return journeysAnswer{}, err
	}
	zone, err := zoneOf(current)
	if err != nil {
		return journeysAnswer{}, err
	}
	paths, err := f.Results.Journeys(ctx, current)
	if err != nil {
		return journeysAnswer{}, err
	}
	answer := journeysAnswer{Window: f.window(0, zone), Journeys: []journeyResult{}, Strategy: current.Version}
	for _, p := range paths {
		answer.Journeys = append(answer.Journeys, journeyOf(p))
	}
	return answer, nil
}

func journeyOf(p insight.Path) journeyResult {
	out := journeyResult{
		Journey: p.Journey, Planned: p.Planned, Sent: p.Sent, Skipped: map[string]int64{}, Waiting: map[string]int64{}, Rejected: p.Rejected,
		Unknown: p.Unknown, Pending: p.Pending, Delivered: p.Delivered, Opened: p.Opened, Clicked: p.Clicked,
		Bounced: p.Bounced, Complained: p.Complained, Goal: p.Goal, Balanced: len(p.Disagrees) == 0, Disagrees: p.Disagrees,
		OpenRate: rateOf(insight.RateOf(p.Opened, p.Sent)), ClickRate: rateOf(insight.RateOf(p.Clicked, p.Sent)),
		GoalRate: rateOf(insight.RateOf(p.Goal, p.Planned)),
	}
	for _, s := range p.Skipped {
		out.Skipped[s.Reason] = s.N
	}
	for _, w := range p.Waiting {
		out.Waiting[w.Reason] = w.N
	}
	return out
}
