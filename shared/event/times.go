package event

import (
	"encoding/json"
	"time"

	"rapport/shared/fault"
	"rapport/shared/wire"
)

// transit is how long a request may have been on its way. A smaller difference
// between sending and receiving says nothing about the sender's clock.
const transit = 10 * time.Second

// earliest is the first time that is believed of a live event: clocks that lost
// their battery start in 1970 or 1980. History may be older than that.
var (
	earliest        = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	earliestHistory = time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC)
)

// times reads when the event happened. A sending time that cannot be read is
// left out, since it is only a means of correction. A time that is stated comes
// first and stands as it is.
func (d *decoder) times(e *Event, p parts) *fault.Error {
	name, other := "originalTimestamp", "timestamp"
	if d.stated(p) {
		name, other = other, name
	}
	if p.top[name] == nil || p.top[name] == "" {
		name = other
	}
	if v := p.top[name]; v != nil && v != "" {
		at, ok := parseTime(v)
		if !ok {
			return fault.New(fault.Invalid, "bad_timestamp",
				"write the time as RFC 3339 or as milliseconds since 1970").In(name)
		}
		e.OriginalTimestamp = &at
	}
	for _, o := range []wire.Object{d.head, p.top} {
		if at, ok := parseTime(o["sentAt"]); ok {
			e.SentAt = &at
		}
	}
	switch {
	case d.sender.Import:
		e.Timestamp = believable(e.OriginalTimestamp, earliestHistory, e.ReceivedAt)
	case d.stated(p) && name == "timestamp":
		e.Timestamp = believable(e.OriginalTimestamp, earliest, e.ReceivedAt)
	default:
		e.Timestamp = happened(e.OriginalTimestamp, e.SentAt, e.ReceivedAt)
	}
	e.TimeCorrected = e.OriginalTimestamp != nil && !e.Timestamp.Equal(*e.OriginalTimestamp)
	return nil
}

// stated reports whether "timestamp" was said by someone who knows better than
// "originalTimestamp": of history, whoever recorded it; of RudderStack's SDKs for
// servers, their caller, while they stamp "originalTimestamp" themselves.
func (d *decoder) stated(p parts) bool { return d.sender.Import || p.top["channel"] == "server" }

// happened corrects the sender's time by how far its clock was off when it
// sent, and replaces what cannot be true by the time of receipt.
func happened(original, sentAt *time.Time, receivedAt time.Time) time.Time {
	if original != nil && sentAt != nil {
		if off := receivedAt.Sub(*sentAt); off.Abs() >= transit {
			corrected := original.Add(off)
			original = &corrected
		}
	}
	return believable(original, earliest, receivedAt)
}

// believable is the time, or that of receipt when there is none or it cannot be.
func believable(at *time.Time, first, receivedAt time.Time) time.Time {
	if at == nil || at.After(receivedAt) || at.Before(first) {
		return receivedAt
	}
	return *at
}

// layouts are the forms of ISO 8601 that senders were seen to use. A time
// without a zone is in UTC. Spreadsheets write a space in place of the T.
var layouts = []string{
	time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02",
}

func parseTime(v any) (time.Time, bool) {
	switch v := v.(type) {
	case json.Number:
		ms, err := v.Float64()
		const most = 253_402_300_800_000 // the year 10000
		if err != nil || ms >= most || ms <= -most/8 {
			return time.Time{}, false
		}
		return time.UnixMilli(int64(ms)).UTC(), true
	case string:
		for _, layout := range layouts {
			if at, err := time.Parse(layout, v); err == nil {
				at = instant(at)
				return at, at.Year() >= 0 && at.Year() <= 9999
			}
		}
	}
	return time.Time{}, false
}

// instant is t in UTC, to the millisecond: the precision that is kept.
func instant(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
