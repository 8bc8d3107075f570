package quiet_test

import (
	"fmt"
	"testing"
	"time"
	_ "time/tzdata" // the same zones on every machine

	"pgregory.net/rapid"

	"rapport/shared/person"
	"rapport/shared/quiet"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z := quiet.Zone(name)
	if z == nil {
		t.Fatalf("no zone %s", name)
	}
	return z
}

func in(z *time.Location) quiet.Place { return quiet.Place{Zones: []*time.Location{z}, Home: z} }

func hours(t testing.TB, from, to string) quiet.Hours {
	t.Helper()
	return quiet.Own(person.QuietHours{From: from, To: to})
}

func at(t testing.TB, text string) time.Time {
	t.Helper()
	out, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Where clocks skip the end of quiet hours, these end after the gap; where they
// show it twice, at the second time. Where clocks skip the begin, the hours begin
// after the gap; where they show it twice, at the first time. Instants are UTC.
func TestShiftsOfTheClock(t *testing.T) {
	for _, c := range []struct{ zone, from, to, at, want string }{
		{"America/New_York", "22:00", "02:30", "2026-03-08T06:30:00Z", "2026-03-08T07:00:00Z"}, // the gap ends at 03:00 EDT
		{"Europe/Berlin", "22:00", "02:30", "2026-03-29T00:45:00Z", "2026-03-29T01:00:00Z"},
		{"America/New_York", "22:00", "01:30", "2026-11-01T05:45:00Z", "2026-11-01T06:30:00Z"}, // 01:45 EDT is after the first 01:30
		{"Europe/Berlin", "22:00", "02:30", "2026-10-25T00:45:00Z", "2026-10-25T01:30:00Z"},    // 02:45 CEST
		{"Europe/Berlin", "22:00", "02:30", "2026-10-25T01:30:00Z", "2026-10-25T01:30:00Z"},    // the second 02:30
		{"America/Havana", "23:00", "00:30", "2026-03-08T04:59:00Z", "2026-03-08T05:00:00Z"},   // a gap at midnight: 01:00 CDT
		{"Africa/Cairo", "20:00", "00:30", "2026-04-23T21:30:00Z", "2026-04-23T22:00:00Z"},     // 01:00 EEST
		{"Australia/Lord_Howe", "22:00", "02:15", "2026-10-03T15:00:00Z", "2026-10-03T15:30:00Z"},
		{"Pacific/Apia", "22:00", "08:00", "2011-12-30T09:00:00Z", "2011-12-30T18:00:00Z"},  // the 30th does not exist
		{"Europe/Berlin", "02:30", "09:00", "2026-03-29T01:00:00Z", "2026-03-29T07:00:00Z"}, // the begin is skipped
		{"Europe/Berlin", "02:30", "09:00", "2026-10-25T00:29:00Z", "2026-10-25T00:29:00Z"}, // a minute before the first 02:30
		{"Europe/Berlin", "02:30", "09:00", "2026-10-25T00:30:00Z", "2026-10-25T08:00:00Z"},
		{"Europe/Berlin", "02:30", "09:00", "2026-10-25T01:10:00Z", "2026-10-25T08:00:00Z"}, // 02:10 for the second time
		{"Europe/Kyiv", "21:00", "08:00", "2026-11-24T18:59:59Z", "2026-11-24T18:59:59Z"},
		{"Europe/Kyiv", "21:00", "08:00", "2026-11-24T19:00:00Z", "2026-11-25T06:00:00Z"},
		{"Europe/Kyiv", "13:00", "14:00", "2026-11-24T11:20:00Z", "2026-11-24T12:00:00Z"},
		{"Asia/Kathmandu", "21:00", "08:00", "2026-11-24T16:00:00Z", "2026-11-25T02:15:00Z"}, // UTC+05:45
		{"Europe/Berlin", "21:00", "08:00", "2044-10-29T23:00:00Z", "2044-10-30T07:00:00Z"},  // beyond the table of shifts
	} {
		rule := quiet.Rule{Hours: []quiet.Hours{hours(t, c.from, c.to)}, Place: in(zone(t, c.zone))}
		got, ok := rule.First(at(t, c.at))
		if !ok || !got.Equal(at(t, c.want)) {
			t.Errorf("%s %s–%s, at %s: %s, %v; want %s", c.zone, c.from, c.to, c.at, got.UTC().Format(time.RFC3339), ok, c.want)
		}
	}
}

// oracle tells from the wall clock alone, without any calculation of instants,
// whether an instant is quiet. It knows nothing of hours that come twice.
func oracle(h quiet.Hours, z *time.Location, now time.Time) bool {
	local := now.In(z)
	minute := local.Hour()*60 + local.Minute()
	if h.From <= h.To {
		return h.From <= minute && minute < h.To
	}
	return minute >= h.From || minute < h.To
}

// shifting reports whether the zone changes its offset near the instant.
func shifting(z *time.Location, now time.Time) bool {
	_, before := now.Add(-26 * time.Hour).In(z).Zone()
	_, after := now.Add(50 * time.Hour).In(z).Zone()
	return before != after
}

var every = quiet.Where(&person.Person{}, "", nil, time.UTC, time.Time{}).Zones

// In every zone, the first instant is what the wall clock says: not quiet, never
// early, and the very minute in which it ceases to be. Around a shift it is not
// quiet by the clock either, and at most the shift later.
func TestFirstAgreesWithTheWallClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z := rapid.SampledFrom(every).Draw(t, "zone")
		h := quiet.Hours{From: rapid.IntRange(0, quiet.Day-1).Draw(t, "from"), To: rapid.IntRange(0, quiet.Day-1).Draw(t, "to")}
		now := time.Unix(rapid.Int64Range(1_000_000_000, 4_000_000_000).Draw(t, "now"), 0)
		if rapid.Bool().Draw(t, "near a shift") {
			if _, end := now.In(z).ZoneBounds(); !end.IsZero() && end.Year() < 2037 {
				now = end.Add(time.Duration(rapid.IntRange(-24*60, 24*60).Draw(t, "off")) * time.Minute)
			}
		}
		got, ok := quiet.Rule{Hours: []quiet.Hours{h}, Place: in(z)}.First(now)
		switch {
		case h.From == h.To:
			if !got.Equal(now) {
				t.Fatalf("no hours hold back until %s", got)
			}
		case !ok:
			t.Fatal("no instant")
		case got.Before(now), !shifting(z, now) && got.After(now) && !oracle(h, z, got.Add(-time.Nanosecond)):
			t.Fatalf("%s is not the first instant from %s on in %s", got, now, z)
		case got.After(now) && !shifting(z, now) && !oracle(h, z, now):
			t.Fatalf("%s in %s is not quiet, and is put off to %s", now.In(z), z, got)
		case !shifting(z, now) && oracle(h, z, got):
			t.Fatalf("%s in %s is quiet", got.In(z), z)
		}
	})
}

// What is the first instant stays it, whatever shift is near.
func TestFirstIsAllowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z := rapid.SampledFrom(every).Draw(t, "zone")
		rule := quiet.Rule{Place: in(z)}
		for range rapid.IntRange(1, 3).Draw(t, "windows") {
			from := rapid.IntRange(0, quiet.Day-1).Draw(t, "from")
			rule.Hours = append(rule.Hours, quiet.Hours{From: from, To: (from + rapid.IntRange(1, 14*60).Draw(t, "long")) % quiet.Day})
		}
		now := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(t, "now"), 0)
		first, ok := rule.First(now)
		if !ok {
			return
		}
		if again, ok := rule.First(first); !ok || !again.Equal(first) {
			t.Fatalf("from %s: %s, and from there %s", now, first, again)
		}
		between := now.Add(time.Duration(rapid.Int64Range(0, int64(first.Sub(now))).Draw(t, "between")))
		if same, _ := rule.First(between); !same.Equal(first) {
			t.Fatalf("from %s: %s, and from %s: %s", now, first, between, same)
		}
	})
}

func TestWholeDaysLeaveNothing(t *testing.T) {
	rule := quiet.Rule{Hours: []quiet.Hours{{From: 0, To: 12 * 60}, {From: 12 * 60, To: 0}}, Place: in(time.UTC)}
	if got, ok := rule.First(at(t, "2026-11-24T12:00:00Z")); ok {
		t.Errorf("%s is allowed", got)
	}
}

// Whose zone is unknown gets nothing while it is night in any zone that they may
// be in; where that leaves nothing, only the hour in the middle of the day.
func TestUnknownZones(t *testing.T) {
	night, noon := hours(t, "21:00", "08:00"), at(t, "2026-11-24T12:00:00Z")
	kyiv := zone(t, "Europe/Kyiv")
	nobody := &person.Person{}
	for _, c := range []struct {
		name      string
		suspected []string
		hours     quiet.Hours
		from, to  string // the part of the day in UTC that is allowed
		source    quiet.Source
	}{
		{"one suspected zone", []string{"Europe/Kyiv"}, night, "06:00", "19:00", quiet.Suspected},
		{"Lisbon to Kyiv", []string{"Europe/Lisbon", "Europe/Kyiv"}, night, "08:00", "19:00", quiet.Suspected},
		{"New York and Kyiv", []string{"America/New_York", "Europe/Kyiv"}, night, "13:00", "19:00", quiet.Suspected},
		{"a zone that is none", []string{"Mars/Base"}, night, "12:00", "13:00", quiet.Anywhere},
		{"anywhere", nil, night, "12:00", "13:00", quiet.Anywhere}, // 14:00–15:00 in Kyiv
	} {
		place := quiet.Where(nobody, "", c.suspected, kyiv, noon)
		if place.Source != c.source {
			t.Errorf("%s: %s", c.name, place.Source)
		}
		rule := quiet.Rule{Hours: []quiet.Hours{c.hours}, Place: place}
		for minute := 0; minute < quiet.Day; minute += 5 {
			now := noon.Add(-12*time.Hour + time.Duration(minute)*time.Minute)
			clock := now.Format("15:04")
			first, ok := rule.First(now)
			if allowed := ok && first.Equal(now); allowed != (c.from <= clock && clock < c.to) {
				t.Fatalf("%s: at %s UTC allowed: %v; want %s–%s", c.name, clock, allowed, c.from, c.to)
			}
		}
	}
	if night.Leaves(nil, noon) || !night.Leaves([]string{"Europe/Lisbon", "Europe/Kyiv"}, noon) || !hours(t, "00:00", "00:30").Leaves([]string{"Asia/Tokyo"}, noon) {
		t.Error("Leaves")
	}
}

// Of two zones that agree today, the one that shifts tomorrow is not forgotten.
func TestZonesThatPart(t *testing.T) {
	both := quiet.Place{Zones: []*time.Location{zone(t, "Africa/Algiers"), zone(t, "Europe/Berlin")}, Home: time.UTC}
	rule := quiet.Rule{Hours: []quiet.Hours{hours(t, "21:00", "08:00")}, Place: both}
	for now, want := range map[string]string{
		"2026-03-28T21:00:00Z": "2026-03-29T07:00:00Z", // 08:00 in Algiers, 09:00 in Berlin
		"2026-03-29T19:30:00Z": "2026-03-30T07:00:00Z", // 21:30 in Berlin, 20:30 in Algiers
	} {
		if got, ok := rule.First(at(t, now)); !ok || !got.Equal(at(t, want)) {
			t.Errorf("at %s: %s, want %s", now, got.UTC(), want)
		}
	}
}

func BenchmarkFirst(b *testing.B) {
	h := []quiet.Hours{{From: 21 * 60, To: 8 * 60}}
	for name, place := range map[string]quiet.Place{"one zone": in(zone(b, "Europe/Kyiv")), "unknown": {Zones: every, Home: zone(b, "Europe/Kyiv")}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				quiet.Rule{Hours: h, Place: place}.First(time.Unix(1_795_000_000, 0))
			}
		})
	}
}

// A night that is short enough is day everywhere at some moment.
func TestUnknownZoneIsTheStrictestWindow(t *testing.T) {
	short := hours(t, "01:00", "01:20")
	place := quiet.Where(&person.Person{}, "", nil, time.UTC, at(t, "2026-11-24T12:00:00Z"))
	rule := quiet.Rule{Hours: []quiet.Hours{short}, Place: place}
	allowed := 0
	for minute := 0; minute < quiet.Day; minute += 5 {
		now := at(t, "2026-11-24T00:00:00Z").Add(time.Duration(minute) * time.Minute)
		night := ""
		for _, z := range place.Zones {
			if oracle(short, z, now) {
				night = z.String()
			}
		}
		first, ok := rule.First(now)
		if free := ok && first.Equal(now); free == (night != "") {
			t.Fatalf("%s is allowed: %v, and it is night in %q", now, free, night)
		} else if free {
			allowed++
		}
	}
	if allowed == 0 || allowed == quiet.Day {
		t.Errorf("%d minutes are allowed", allowed)
	}
}

func ExampleHours_String() {
	fmt.Println(quiet.Hours{From: 21 * 60, To: 8*60 + 5})
	// Output: 21:00–08:05
}
