package person

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"rapport/shared/decimal"
	"rapport/shared/fault"
)

// Days are written as the distance to the day before and what is in it, as a
// person's size is paid for with every event: "20416=45.5,2x3=60,1" are 45.5 in
// one event, 60 in three two days later, and one event on the next day.

func (f *Fold) store() storedFold {
	return storedFold{
		Count: f.Count, Sum: stored(&f.Sum), At: millis(f.At), By: f.By, Value: f.Value,
		Days: storeDays(f.Days), Seen: f.seen.store(), Values: f.values.store(),
	}
}

func (s storedFold) load() (*Fold, error) {
	f := &Fold{Count: s.Count, At: instant(s.At), By: s.By, Value: s.Value}
	ok := loadSum(&f.Sum, s.Sum) && f.loadDays(s.Days) && f.seen.load(s.Seen) && f.values.load(s.Values)
	if !ok {
		return nil, fault.New(fault.Internal, "decode_person", "a stored computed trait cannot be read")
	}
	return f, nil
}

// stored is the decimal as text, nothing for 0.
func stored(d *decimal.Decimal) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

func loadSum(d *decimal.Decimal, text string) bool {
	if text == "" {
		return true
	}
	n, ok := decimal.Parse(text)
	if ok {
		d.Set(n)
	}
	return ok
}

func storeDays(days map[int]*Fold) string {
	return joinDays(days, func(f *Fold) (int64, string) { return f.Count, stored(&f.Sum) })
}

func (f *Fold) loadDays(text string) bool {
	return splitDays(text, func(day int, n int64, sum string) bool {
		part := f.day(day)
		part.Count = n
		return loadSum(&part.Sum, sum)
	})
}

// joinDays writes buckets in order.
func joinDays[T any](days map[int]T, content func(T) (n int64, sum string)) string {
	order := make([]int, 0, len(days))
	for day := range days {
		order = append(order, day)
	}
	slices.Sort(order)
	var b strings.Builder
	last := 0
	for i, day := range order {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(day - last))
		last = day
		n, sum := content(days[day])
		if n != 1 {
			b.WriteString("x" + strconv.FormatInt(n, 10))
		}
		if sum != "" {
			b.WriteString("=" + sum)
		}
	}
	return b.String()
}

// splitDays reads what joinDays wrote.
func splitDays(text string, take func(day int, n int64, sum string) bool) bool {
	if text == "" {
		return true
	}
	day := 0
	for part := range strings.SplitSeq(text, ",") {
		head, sum, _ := strings.Cut(part, "=")
		distance, times, several := strings.Cut(head, "x")
		step, err := strconv.Atoi(distance)
		if err != nil {
			return false
		}
		n := int64(1)
		if several {
			if n, err = strconv.ParseInt(times, 10, 64); err != nil {
				return false
			}
		}
		if day += step; !take(day, n, sum) {
			return false
		}
	}
	return true
}

// sightingBytes is what a sketch takes for a hash, and for its day as the
// distance to the newest.
const (
	hashBytes     = hashBits / 8
	sightingBytes = hashBytes + 2
)

// store writes the newest day and then all sightings, in base64.
func (s sketch) store() string {
	if len(s) == 0 {
		return ""
	}
	newest := s[0].bucket
	for _, one := range s {
		newest = max(newest, one.bucket)
	}
	body := binary.AppendVarint(nil, int64(newest))
	for _, one := range s {
		word := binary.BigEndian.AppendUint64(nil, one.hash<<16|uint64(newest-one.bucket))
		body = append(body, word...)
	}
	return base64.RawStdEncoding.EncodeToString(body)
}

func (s *sketch) load(text string) bool {
	body, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || text == "" {
		return err == nil
	}
	newest, n := binary.Varint(body)
	if n <= 0 || (len(body)-n)%sightingBytes != 0 {
		return false
	}
	for body = body[n:]; len(body) > 0; body = body[sightingBytes:] {
		word := binary.BigEndian.Uint64(body)
		*s = append(*s, sighting{hash: word >> 16, bucket: int(newest) - int(word&0xffff)})
	}
	return true
}

func (t tallies) store() map[string]string {
	return converted(t, func(days map[int]int64) string {
		return joinDays(days, func(n int64) (int64, string) { return n, "" })
	})
}

func (t *tallies) load(stored map[string]string) bool {
	for value, text := range stored {
		ok := splitDays(text, func(day int, n int64, _ string) bool {
			t.plus(value, day, n)
			return true
		})
		if !ok {
			return false
		}
	}
	return true
}
