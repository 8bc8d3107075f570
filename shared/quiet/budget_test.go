package quiet_test

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rapport/shared/person"
	"rapport/shared/quiet"
)

// No stretch of the budget's length ever holds more than it allows, and nothing
// is put off while there is room.
func TestBudgetHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := quiet.Budget{Most: rapid.IntRange(1, 4).Draw(t, "most"), Days: rapid.IntRange(1, 7).Draw(t, "days")}
		long := time.Duration(b.Days) * 24 * time.Hour
		var sent []time.Time
		now := time.Unix(1_790_000_000, 0)
		for range rapid.IntRange(1, 12).Draw(t, "messages") {
			now = now.Add(time.Duration(rapid.IntRange(0, 72*60).Draw(t, "minutes")) * time.Minute)
			next := b.Room(sent, now)
			within := func(end time.Time) (n int) {
				for _, s := range sent {
					if s.After(end.Add(-long)) && !s.After(end) {
						n++
					}
				}
				return n
			}
			if next.Before(now) {
				t.Fatalf("%s: from %s on, %s is the first", b, now, next)
			}
			if within(next) >= b.Most {
				t.Fatalf("%s at %s: %d were sent before", b, next, within(next))
			}
			if next.After(now) && within(next.Add(-1)) < b.Most {
				t.Fatalf("%s: put off to %s, and there was room before", b, next)
			}
			sent, now = append(sent, next), next
		}
	})
}

func TestTurn(t *testing.T) {
	kyiv, both := in(zone(t, "Europe/Kyiv")), quiet.Place{Zones: []*time.Location{zone(t, "Europe/Kyiv"), zone(t, "America/New_York")}}
	for _, c := range []struct {
		name, cadence string
		place         quiet.Place
		sent, at      string
		want          string
	}{
		{"instant", person.Instant, kyiv, "2026-11-24T12:00:00Z", "2026-11-24T12:00:01Z", "2026-11-24T12:00:01Z"},
		{"nobody knows it", "hourly", kyiv, "2026-11-24T12:00:00Z", "2026-11-24T12:00:01Z", "2026-11-24T12:00:01Z"},
		{"daily, the same day", person.Daily, kyiv, "2026-11-24T12:00:00Z", "2026-11-24T21:59:59Z", "2026-11-24T22:00:00Z"},
		{"daily, the next day", person.Daily, kyiv, "2026-11-24T21:59:59Z", "2026-11-24T22:00:00Z", "2026-11-24T22:00:00Z"},
		{"daily, a day of 25 hours", person.Daily, kyiv, "2026-10-24T22:00:00Z", "2026-10-25T12:00:00Z", "2026-10-25T22:00:00Z"},
		{"daily, a midnight that is skipped", person.Daily, in(zone(t, "America/Havana")), "2026-03-07T20:00:00Z", "2026-03-08T04:30:00Z", "2026-03-08T05:00:00Z"},
		{"daily, a midnight that comes twice", person.Daily, in(zone(t, "America/Havana")), "2026-10-31T20:00:00Z", "2026-11-01T04:10:00Z", "2026-11-01T05:00:00Z"},
		{"daily, in two zones", person.Daily, both, "2026-11-24T12:00:00Z", "2026-11-24T23:00:00Z", "2026-11-25T05:00:00Z"},
		{"weekly, from a Tuesday", person.Weekly, kyiv, "2026-11-24T12:00:00Z", "2026-11-25T12:00:00Z", "2026-11-29T22:00:00Z"},
		{"weekly, from a Monday", person.Weekly, kyiv, "2026-11-23T12:00:00Z", "2026-11-25T12:00:00Z", "2026-11-29T22:00:00Z"},
		{"weekly, from a Sunday", person.Weekly, kyiv, "2026-11-29T12:00:00Z", "2026-11-29T13:00:00Z", "2026-11-29T22:00:00Z"},
		{"monthly", person.Monthly, kyiv, "2026-12-01T12:00:00Z", "2026-12-05T12:00:00Z", "2026-12-31T22:00:00Z"},
		{"nothing was sent", person.Monthly, kyiv, "", "2026-12-05T12:00:00Z", "2026-12-05T12:00:00Z"},
	} {
		var sent []time.Time
		if c.sent != "" {
			sent = []time.Time{at(t, c.sent), at(t, c.sent).Add(-40 * time.Hour * 24)}
		}
		if got := quiet.Turn(c.cadence, c.place, sent, at(t, c.at)); !got.Equal(at(t, c.want)) {
			t.Errorf("%s: %s, want %s", c.name, got.UTC().Format(time.RFC3339), c.want)
		}
	}
}

// What says where somebody is, and in which order.
func TestWhere(t *testing.T) {
	noon := at(t, "2026-11-24T12:00:00Z")
	home := zone(t, "Europe/Kyiv")
	for _, c := range []struct {
		name   string
		chosen string
		traits map[string]string
		source quiet.Source
		zones  int
		first  string
	}{
		{"chosen", "Asia/Tokyo", map[string]string{"timezone": `"Europe/Berlin"`}, quiet.Chosen, 1, "Asia/Tokyo"},
		{"chosen, and none", "Nowhere/Atall", map[string]string{"timezone": `"Europe/Berlin"`}, quiet.Timezone, 1, "Europe/Berlin"},
		{"a zone before a country", "", map[string]string{"timezone": `"Europe/Berlin"`, "country": `"JP"`}, quiet.Timezone, 1, "Europe/Berlin"},
		{"the machine's zone", "", map[string]string{"timezone": `"Local"`, "country": `"JP"`}, quiet.Country, 1, "Asia/Tokyo"},
		{"an empty zone", "", map[string]string{"timezone": `""`, "country": `"jp"`}, quiet.Country, 1, "Asia/Tokyo"},
		{"a path", "", map[string]string{"timezone": `"../../etc/passwd"`, "country": `"JP"`}, quiet.Country, 1, "Asia/Tokyo"},
		{"a number", "", map[string]string{"timezone": `2`, "country": `"JP"`}, quiet.Country, 1, "Asia/Tokyo"},
		{"an address", "", map[string]string{"address": `{"city":"Lisbon","country":"PT"}`}, quiet.Country, 3, "Europe/Lisbon"},
		{"a country before an address", "", map[string]string{"country": `"JP"`, "address": `{"country":"PT"}`}, quiet.Country, 1, "Asia/Tokyo"},
		{"a large country", "", map[string]string{"country": `"US"`}, quiet.Country, 29, "America/New_York"},
		{"no such country", "", map[string]string{"country": `"XX"`}, quiet.Anywhere, len(every), "Africa/Abidjan"},
		{"nothing", "", nil, quiet.Anywhere, len(every), "Africa/Abidjan"},
	} {
		n := &person.Node{ID: person.NodeID{Kind: person.UserID, Value: "u1"}}
		for name, value := range c.traits {
			n.Declare(name, person.Trait{Value: json.RawMessage(value), At: noon})
		}
		got := quiet.Where(&person.Person{Nodes: []*person.Node{n}}, c.chosen, nil, home, noon)
		if got.Source != c.source || len(got.Zones) != c.zones || got.Zones[0].String() != c.first || got.String() == "" {
			t.Errorf("%s: %s %d %s", c.name, got.Source, len(got.Zones), got.Zones[0])
		}
	}
	if got := len(every); got < 400 {
		t.Errorf("%d zones are inhabited", got)
	}
}

// What nobody can be sure of: the middle of a country is between its ends.
func TestHomeOfACountry(t *testing.T) {
	n := &person.Node{ID: person.NodeID{Kind: person.UserID, Value: "u1"}}
	n.Declare("country", person.Trait{Value: json.RawMessage(`"RU"`)})
	got := quiet.Where(&person.Person{Nodes: []*person.Node{n}}, "", nil, time.UTC, at(t, "2026-11-24T12:00:00Z"))
	if _, offset := at(t, "2026-11-24T12:00:00Z").In(got.Home).Zone(); offset != 7*3600 {
		t.Errorf("the middle of Russia is %s, %d s from UTC", got.Home, offset)
	}
}
