package prefer

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones are checked the same on a machine that has none

	"rapport/shared/fault"
	"rapport/shared/httpapi"
	"rapport/shared/person"
)

// cadence takes how often messages may come.
func cadence(raw json.RawMessage, into map[string]json.RawMessage) error {
	if raw == nil {
		return nil
	}
	var often *string
	if json.Unmarshal(raw, &often) != nil || often != nil && !slices.Contains(person.Cadences(), *often) {
		return fault.New(fault.Invalid, "bad_value", "send one of %s, or null", strings.Join(person.Cadences(), ", ")).In(person.Cadence)
	}
	into[person.Cadence] = compact(raw)
	return nil
}

// quiet takes the hours in which no message may come.
func quiet(raw json.RawMessage, into map[string]json.RawMessage) error {
	if raw == nil {
		return nil
	}
	if string(compact(raw)) == taken {
		into[person.Quiet] = json.RawMessage(taken)
		return nil
	}
	var hours struct {
		From string  `json:"from"`
		To   string  `json:"to"`
		Zone *string `json:"zone"`
	}
	if err := httpapi.Unmarshal(raw, &hours); err != nil {
		return within(person.Quiet, err)
	}
	checked := person.QuietHours{From: hours.From, To: hours.To}
	if hours.Zone != nil {
		if !isZone(*hours.Zone) {
			return fault.New(fault.Invalid, "bad_value", "send the IANA name of a time zone, like Europe/Kyiv, or leave it out").In(person.Quiet + ".zone")
		}
		checked.Zone = *hours.Zone
	}
	return quietHours(checked, into)
}

// quietHours takes hours of which the zone was checked.
func quietHours(hours person.QuietHours, into map[string]json.RawMessage) error {
	for _, end := range []struct{ field, text string }{{"from", hours.From}, {"to", hours.To}} {
		if _, ok := person.Minute(end.text); !ok {
			return fault.New(fault.Invalid, "bad_value", "send a time of the day as hours and minutes, like 21:00").In(person.Quiet + "." + end.field)
		}
	}
	if hours.From == hours.To {
		return fault.New(fault.Invalid, "bad_value", "end the quiet hours at another time than they begin; refuse a purpose to get no messages at all").In(person.Quiet + ".to")
	}
	into[person.Quiet], _ = json.Marshal(hours) // of texts
	return nil
}

// within puts the field that a fault names inside of another one.
func within(field string, err error) error {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err
	}
	inner := *f
	if inner.Field != "" {
		field += "." + inner.Field
	}
	return inner.In(field)
}

// isZone reports whether the name is that of a time zone everywhere. "" and Local
// are the zone of whichever machine reads it, and what begins with right counts
// leap seconds.
func isZone(name string) bool {
	area, _, _ := strings.Cut(name, "/")
	if slices.Contains([]string{"", "Local", "localtime", "posixrules", "Factory", "posix", "right"}, area) {
		return false
	}
	_, err := time.LoadLocation(name)
	return err == nil
}
