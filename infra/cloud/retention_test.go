package cloud_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rapport/infra/cloud"
	"rapport/shared/person"
	"rapport/shared/table"
)

// A visitor looks around and stays away. When their time is up, they are unknown,
// nothing of them is in the file any more, and coming back they are new. A
// customer is kept, and what they looked at goes.
func TestWhoStaysAwayIsForgotten(t *testing.T) {
	const visitor, secret = "canary-9c1b2d3e4f506172", "canary-path"
	const day = 24 * time.Hour
	folder := copyStrategy(t)
	write(t, folder, "retention.yaml", "retention: {default: 100d, visitors: 60d, events: {page: 30d}}\n")
	var later atomic.Int64
	s := shop(t, func(c *cloud.Config) {
		c.Strategy, c.Now = folder, func() time.Time { return begin.Add(time.Duration(later.Load())) }
	})
	turn := func(to time.Duration) { later.Store(int64(to)); s.settle() }
	looks := func(id, at string) {
		s.must(http.MethodPost, "/v1/page", "demo-write", `{"messageId":"`+id+`","anonymousId":"`+visitor+`","name":"Home","properties":{"path":"`+at+`"}}`)
		s.settle()
	}
	sees := func() string {
		return s.must(http.MethodPost, "/v1/decide", "demo-write", `{"anonymousId":"`+visitor+`","slots":["hero"]}`)
	}
	status := func(path string) int { code, _ := s.call(http.MethodGet, path, "demo-secret", ""); return code }
	const known, unknown = "/v1/people/userId:u1", "/v1/people/anonymousId:" + visitor

	looks("m1", secret)
	s.must(http.MethodPost, "/v1/page", "demo-secret", `{"messageId":"m2","userId":"u1","name":"Home"}`)
	s.must(http.MethodPost, "/v1/track", "demo-secret", `{"messageId":"m3","userId":"u1","event":"Order Completed","properties":{"revenue":600}}`)
	s.settle()
	s.must(http.MethodPost, "/v1/track", "demo-write", `{"messageId":"m5","anonymousId":"`+visitor+`","event":"Product Added","properties":`+assam+`}`)
	s.pass(62 * time.Minute) // a mail about it would be due, and there is no address
	if got := s.must(http.MethodGet, unknown+"/export", "demo-secret", ""); !strings.Contains(got, `"reason":"no_address"`) {
		t.Errorf("no ledger in %s", got)
	}
	if got := sees(); !strings.Contains(got, `"block":"hero-new"`) {
		t.Errorf("on the first day they see %s", got)
	}

	turn(30 * day)
	if got := s.must(http.MethodGet, known+"/timeline", "demo-secret", ""); strings.Contains(got, "m2") || !strings.Contains(got, "m3") {
		t.Errorf("after 30 days the timeline is %s", got)
	}
	if got := s.must(http.MethodGet, unknown+"/export", "demo-secret", ""); strings.Contains(got, secret+"\"") || !strings.Contains(got, `"marks":[{`) {
		t.Errorf("after 30 days all that is kept is %s", got)
	}

	turn(60 * day)
	if status(unknown) != http.StatusNotFound || status(known) != http.StatusOK {
		t.Errorf("after 60 days: %d and %d", status(unknown), status(known))
	}
	if got := sees(); !strings.Contains(got, `"block":"hero-welcome"`) {
		t.Errorf("after 60 days they see %s", got)
	}
	s.pass(20 * time.Minute)
	hash, left := (person.NodeID{Kind: person.AnonymousID, Value: visitor}).Hash(), 0
	if err := s.EachItem(func(bucket, key, value string) {
		if bucket != "table" || !strings.Contains(key, hash) {
			return
		}
		if left++; !strings.Contains(key, table.EventPrefix+"m") || strings.Contains(value, visitor) {
			t.Errorf("the file still has %q: %q", key, value)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if left != 2 {
		t.Errorf("%d marks are left, want those of two events", left)
	}

	looks("m1", secret)
	if status(unknown) != http.StatusNotFound {
		t.Error("a repetition brought them back")
	}
	looks("m4", "/")
	if got := s.must(http.MethodGet, unknown, "demo-secret", ""); !strings.Contains(got, `"pages":1`) {
		t.Errorf("back again they are %s", got)
	}
	if got := s.must(http.MethodGet, unknown+"/timeline", "demo-secret", ""); strings.Count(got, `"messageId"`) != 1 {
		t.Errorf("back again their timeline is %s", got)
	}
	if got := sees(); !strings.Contains(got, `"block":"hero-new"`) {
		t.Errorf("back again they see %s", got)
	}
}
