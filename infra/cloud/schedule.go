package cloud

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"go.etcd.io/bbolt"
)

var (
	rate  = regexp.MustCompile(`^rate\((\d+) (minute|hour|day)s?\)$`)
	units = map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
)

// parseRate reads "rate(5 minutes)". Schedules by cron are not known here.
func parseRate(expression string) (time.Duration, error) {
	m := rate.FindStringSubmatch(expression)
	if m == nil {
		return 0, fmt.Errorf("the local cloud runs schedules like rate(5 minutes) only, not %q", expression)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil || n < 1 || n > 10_000 {
		return 0, fmt.Errorf("a rate is between 1 and 10000, not %s", m[1])
	}
	return time.Duration(n) * units[m[2]], nil
}

// schedule invokes a function at each full period of the virtual clock.
type schedule struct {
	spec     scheduleSpec
	function *function
	next     time.Time
}

// schedules are all of the template's. One that was missed while nothing ran
// fires once as soon as something does.
type schedules struct {
	mu  sync.Mutex // held while one fires, so that no two steps of time overlap
	all []*schedule
}

func scheduleKey(id string) []byte { return []byte("schedule " + id) }

// load continues where the last run stopped, else at the next full period.
func (s *schedules) load(db *bbolt.DB, now time.Time) error {
	return db.View(func(tx *bbolt.Tx) error {
		for _, one := range s.all {
			one.next = after(now, one.spec.Every)
			stored, err := time.Parse(time.RFC3339, string(tx.Bucket(stateBucket).Get(scheduleKey(one.spec.ID))))
			if err == nil && stored.Before(one.next) {
				one.next = stored
			}
		}
		return nil
	})
}

// after is the first full period after t: full minutes, full hours, midnights.
func after(t time.Time, every time.Duration) time.Time {
	return t.UTC().Truncate(every).Add(every)
}

// next is when the earliest is due; zero: never. The lock is held.
func (s *schedules) next() time.Time {
	var next time.Time
	for _, one := range s.all {
		if next.IsZero() || one.next.Before(next) {
			next = one.next
		}
	}
	return next
}

// fire runs what is due by now, one after the other. The lock is held.
func (s *schedules) fire(ctx context.Context, now time.Time) {
	for _, one := range s.all {
		if one.next.After(now) {
			continue
		}
		due := one.next
		one.next = after(now, one.spec.Every)
		payload, err := one.payload(due)
		if err == nil {
			// A failure is in the function's log; the next tick makes up for it.
			_, err = one.function.Invoke(ctx, payload)
		}
		if err != nil {
			one.function.log.Warn("a scheduled invocation failed", "schedule", one.spec.ID, "due", due, "error", err)
		}
	}
}

func (s *schedule) payload(due time.Time) ([]byte, error) {
	if s.spec.Input != "" {
		return []byte(s.spec.Input), nil
	}
	return json.Marshal(events.EventBridgeEvent{
		Version: "0", ID: newID(), DetailType: "Scheduled Event", Source: "aws.events", AccountID: account, Region: region,
		Time: due, Resources: []string{fmt.Sprintf("arn:aws:events:%s:%s:rule/%s", region, account, s.spec.ID)},
		Detail: json.RawMessage("{}"),
	})
}
