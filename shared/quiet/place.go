package quiet

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"rapport/shared/person"
)

// Source says how it is known where somebody is.
type Source string

// The sources, the first that says something counts.
const (
	Chosen    Source = "quietHours.zone" // the person's own preference
	Timezone  Source = "timezone"        // a trait: the name of a zone
	Country   Source = "country"         // a trait, or address.country: a code of two letters, as in UA
	Suspected Source = "strategy"        // unknown; the strategy names the zones that its people are in
	Anywhere  Source = "unknown"         // every zone that people live in
)

// Place is where somebody may be.
type Place struct {
	Zones  []*time.Location // never empty
	Source Source

	// Home is the zone that counts where the zones leave no instant together: the
	// strategy's, of a country the one in its middle.
	Home *time.Location
}

// String says where that is and who says so: Europe/Kyiv (timezone).
func (p Place) String() string {
	if len(p.Zones) == 1 {
		return fmt.Sprintf("%s (%s)", p.Zones[0], p.Source)
	}
	return fmt.Sprintf("each of %d zones (%s)", len(p.Zones), p.Source)
}

// Where says where the person may be, from what it chose, what is known of it,
// and what a strategy suspects of people of whom nothing is known. A name that is
// no zone says nothing, nor does a country without zones. Home is the zone of the
// strategy.
func Where(p *person.Person, chosen string, suspected []string, home *time.Location, now time.Time) Place {
	traits := p.View(nil, now).Traits
	for _, at := range []struct {
		source Source
		name   string
	}{{Chosen, chosen}, {Timezone, text(traits["timezone"].Value)}} {
		if zone := Zone(at.name); zone != nil {
			return Place{Zones: []*time.Location{zone}, Source: at.source, Home: zone}
		}
	}
	for _, code := range []string{text(traits["country"].Value), countryOf(traits["address"].Value)} {
		if zones := located(byCountry()[strings.ToUpper(code)]); len(zones) > 0 {
			return Place{Zones: zones, Source: Country, Home: middle(zones, now)}
		}
	}
	if zones := located(suspected); len(zones) > 0 {
		return Place{Zones: zones, Source: Suspected, Home: home}
	}
	return Place{Zones: inhabited(), Source: Anywhere, Home: home}
}

// maxName is longer than the name of any zone.
const maxName = 64

// Zone returns the zone of that IANA name, nil for what is none: neither the empty
// name, which the library takes for UTC, nor "Local", which is the machine's.
func Zone(name string) *time.Location {
	if name == "" || name == "Local" || len(name) > maxName {
		return nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	return zone
}

func text(raw json.RawMessage) string {
	var out string
	_ = json.Unmarshal(raw, &out) // anything but a text says nothing
	return out
}

func countryOf(address json.RawMessage) string {
	var fields struct{ Country json.RawMessage }
	_ = json.Unmarshal(address, &fields) // as above
	return text(fields.Country)
}

func located(names []string) []*time.Location {
	var zones []*time.Location
	for _, name := range names {
		if zone := Zone(name); zone != nil {
			zones = append(zones, zone)
		}
	}
	return zones
}

// middle returns the zone in the middle, by the offsets that they have then.
func middle(zones []*time.Location, at time.Time) *time.Location {
	sorted := slices.Clone(zones)
	slices.SortStableFunc(sorted, func(a, b *time.Location) int {
		_, x := at.In(a).Zone()
		_, y := at.In(b).Zone()
		return x - y
	})
	return sorted[len(sorted)/2]
}

// zonesText has a line for each country: its code by ISO 3166, and its zones. It
// was made from zone.tab of the time zone database, 2025b, which is in the public
// domain, without the Antarctic, where nobody shops.
//
//go:embed zones.txt
var zonesText string

// byCountry lists the names of the zones of each country.
var byCountry = sync.OnceValue(func() map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(zonesText) {
		words := strings.Fields(line)
		out[words[0]] = words[1:]
	}
	return out
})

// inhabited are all zones of all countries.
var inhabited = sync.OnceValue(func() []*time.Location {
	names := map[string]bool{}
	for _, zones := range byCountry() {
		for _, name := range zones {
			names[name] = true
		}
	}
	var all []string
	for name := range names {
		all = append(all, name)
	}
	slices.Sort(all)
	return located(all)
})
