package person_test

import (
	"fmt"
	"testing"
	"time"
	_ "time/tzdata" // the zones below are known everywhere

	"pgregory.net/rapid"

	"rapport/shared/person"
	"rapport/shared/strategy"
)

func TestStages(t *testing.T) {
	declared := &person.Declared{Lifecycle: &person.Lifecycle{Goal: "Order Completed", Cooling: 60, Lapsed: 180}}
	user := &person.Node{ID: person.NodeID{Kind: person.UserID, Value: "u1"}, Named: true}
	cases := []struct {
		name string
		lead bool
		node *person.Node
		days []int // of purchases, ago
		want person.Stage
	}{
		{"nothing known", false, nil, nil, person.Visitor},
		{"told who they are", true, nil, nil, person.Lead},
		{"proven user id", false, user, nil, person.Lead},
		{"bought once", true, user, []int{0}, person.FirstPurchase},
		{"bought once, nearly cool", false, nil, []int{59}, person.FirstPurchase},
		{"bought once, long ago", false, nil, []int{60}, person.Cooling},
		{"bought twice", false, nil, []int{10, 0}, person.Active},
		{"bought twice in a day", false, nil, []int{0, 0}, person.Active},
		{"came back from cooling", false, nil, []int{188, 9}, person.Active},
		{"came back after lapsing", false, nil, []int{190, 10}, person.WonBack},
		{"came back and bought again", false, nil, []int{190, 10, 1}, person.Active},
		{"came back twice", false, nil, []int{700, 400, 10}, person.WonBack},
		{"nearly lapsed", false, nil, []int{900, 179}, person.Cooling},
		{"lapsed", false, nil, []int{900, 180}, person.Lapsed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := person.New(device(1), evening)
			p.Nodes[0].Life.Lead = c.lead
			if c.node != nil {
				p.Adopt(c.node)
			}
			for i, ago := range c.days {
				p.Nodes[0].Life.Buy(person.Purchase{At: evening.AddDate(0, 0, -ago), By: fmt.Sprint("m", i)})
			}
			if got := p.View(declared, evening).Stage; got != c.want {
				t.Errorf("stage = %s, want %s", got, c.want)
			}
		})
	}
}

// What was announced last of two people is what is known of both; parted, both
// know it until they are looked at.
func TestStageOfTheJoined(t *testing.T) {
	for _, later := range []bool{false, true} {
		p, q := person.New(device(1), evening), person.New(device(2), evening)
		p.Stage, p.Staged = person.Lead, evening
		q.Stage, q.Staged = person.Active, evening.Add(time.Hour)
		want := person.Active
		if later {
			p.Staged, want = evening.Add(2*time.Hour), person.Lead
		}
		p.Absorb(q)
		if part := p.Split([]person.NodeID{device(2)}); p.Stage != want || part.Stage != want || !part.Staged.Equal(p.Staged) {
			t.Errorf("later=%v: %s, and parted %s; want %s", later, p.Stage, part.Stage, want)
		}
	}
}

func device(n int) person.NodeID {
	return person.NodeID{Kind: person.AnonymousID, Value: fmt.Sprint("device-", n)}
}

// A calendar has the local dates of its zone; days are whole, in order, and
// begin where it says, even where clocks are moved at midnight or a date is left
// out.
func TestCalendar(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Kyiv", "America/New_York", "Asia/Beirut", "America/St_Johns", "America/Havana", "America/Asuncion", "Pacific/Apia", "Australia/Lord_Howe", "Asia/Kathmandu"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		days := person.NewCalendar(strategy.Offsets(zone))
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				at := time.Unix(rapid.Int64Range(946_728_000, 2_500_000_000).Draw(t, "second"), 0)
				if rapid.Bool().Draw(t, "near a shift") {
					if _, end := at.In(zone).ZoneBounds(); !end.IsZero() {
						at = end.Add(time.Duration(rapid.IntRange(-7200, 7200).Draw(t, "seconds")) * time.Second)
					}
				}
				checkDay(t, days, at.In(zone))
			})
		})
	}
}

// In Newfoundland clocks once went back at one minute past midnight. The hour
// that came twice belongs to the new day.
func TestHourThatComesTwice(t *testing.T) {
	zone, err := time.LoadLocation("America/St_Johns")
	if err != nil {
		t.Fatal(err)
	}
	days := person.NewCalendar(strategy.Offsets(zone))
	midnight := time.Date(2005, 10, 30, 2, 30, 0, 0, time.UTC)
	old, day := days.Day(midnight.Add(-time.Second)), days.Day(midnight)
	again := midnight.Add(30 * time.Minute)
	if date := again.In(zone).Day(); day != old+1 || date != 29 || days.Day(again) != day || !days.Start(day).Equal(midnight) {
		t.Errorf("day %d before midnight, %d at it; %d on date %d again", old, day, days.Day(again), date)
	}
}

func checkDay(t *rapid.T, days *person.Calendar, at time.Time) {
	day := days.Day(at)
	if begin, end := days.Start(day), days.Start(day+1); at.Before(begin) || !at.Before(end) {
		t.Fatalf("%s is day %d, which is from %s to %s", at, day, begin, end)
	}
	year, month, date := at.Date()
	local := int(time.Date(year, month, date, 0, 0, 0, 0, time.UTC).Unix() / 86400)
	// Where clocks go back over midnight, an old date comes again for an hour.
	if day != local && (day != local+1 || days.Day(at.Add(-3*time.Hour)) != local) {
		t.Fatalf("%s is day %d, its date is day %d", at, day, local)
	}
	if start := days.Start(day).In(at.Location()); start.AddDate(0, 0, 0).Add(-time.Second).Day() == start.Day() {
		t.Fatalf("day %d begins at %s, which is not the first instant of its date", day, start)
	}
}
