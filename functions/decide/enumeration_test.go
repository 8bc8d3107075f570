package decide_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport/functions/decide"
	"rapport/shared/access"
)

// limited is decide with a quota, and its clock.
func limited(t *testing.T, ids string) (http.Handler, *time.Time) {
	t.Helper()
	quota, err := access.NewQuota(ids)
	if err != nil {
		t.Fatal(err)
	}
	d, at := deps(t), noon
	d.Quota, d.Now = quota, func() time.Time { return at }
	return decide.New(d), &at
}

// Somebody who tries out user ids is told the same of each, at the same price,
// and no more of any of them from the limit on.
func TestEnumeratingUserIDs(t *testing.T) {
	h, at := limited(t, "100")
	try := func(i int) reply {
		user := strconv.Itoa(i)
		if i == 50 {
			user = "u1" // who exists
		}
		return post(h, "demo-write", `{"userId":"`+user+`"}`, "Origin", "https://shop.example.com")
	}
	first := try(1)
	for i := 1; i <= 100; i++ {
		if got := try(i); got.status != http.StatusOK || got.body != first.body || got.reads != 0 {
			t.Fatalf("row 20: id %d is answered %d after %d reads: %s", i, got.status, got.reads, got.body)
		}
	}
	*at = at.Add(10*time.Second + time.Millisecond)
	got := try(101)
	h429 := got.header
	if got.status != http.StatusTooManyRequests || !strings.Contains(got.body, `"code":"too_many_visitors"`) || got.reads != 0 {
		t.Errorf("row 20: %d %s after %d reads", got.status, got.body, got.reads)
	}
	if wait := h429.Get("Retry-After"); wait != "50" {
		t.Errorf("row 20: Retry-After %q", wait)
	}
	exposed, origin := h429.Get("Access-Control-Expose-Headers"), h429.Get("Access-Control-Allow-Origin")
	if !strings.Contains(exposed, "Retry-After") || origin != "https://shop.example.com" {
		t.Errorf("row 20: a browser cannot read it: exposes %q to %q", exposed, origin)
	}
	*at = at.Add(50 * time.Second)
	if got := try(101); got.status != http.StatusOK {
		t.Errorf("row 20: %d after the wait", got.status)
	}
}

// A device that is known costs what one costs that nobody saw, and looks alike.
func TestEnumeratingDevices(t *testing.T) {
	h, _ := limited(t, "2")
	known := post(h, "demo-write", `{"anonymousId":"`+phone+`","slots":["banner"]}`)
	unknown := post(h, "demo-write", `{"anonymousId":"`+nobody+`","slots":["banner"]}`)
	if known.reads != 1 || unknown.reads != 1 || known.status != unknown.status || len(known.header) != len(unknown.header) {
		t.Errorf("row 20: %+v, %+v", known, unknown)
	}
	for _, id := range []string{laptop, "3", ""} {
		got := post(h, "demo-write", `{"anonymousId":"`+id+`","userId":"u1"}`)
		if got.status != http.StatusTooManyRequests || got.reads != 0 {
			t.Errorf("row 20: %q is answered %d after %d reads", id, got.status, got.reads)
		}
	}
}

// The limit meets those who guess, and nobody beside them.
func TestTheLimitSpares(t *testing.T) {
	h, _ := limited(t, "1")
	ask := func(key, body, address string, headers ...string) int {
		r := httptest.NewRequest(http.MethodPost, "/v1/decide", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+key)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		r.RemoteAddr = address
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	device := func(id string) string { return `{"anonymousId":"` + id + `"}` }
	const here = "192.0.2.1:4711"
	if status := ask("demo-write", device(phone), here); status != http.StatusOK {
		t.Fatal(status)
	}
	for _, c := range []struct {
		name, key, body, address string
		headers                  []string
		status                   int
	}{
		{"row 20 another id", "demo-write", device(nobody), here, nil, 429},
		{"row 20 from another port", "demo-write", device(nobody), "192.0.2.1:1", nil, 429},
		{"row 20 with another address in a header", "demo-write", device(nobody), here, []string{"X-Forwarded-For", "203.0.113.9", "Forwarded", "for=203.0.113.9"}, 429},
		{"a visitor who was there before", "demo-write", device(phone), here, nil, 200},
		{"somebody without an id", "demo-write", `{}`, here, nil, 200},
		{"a server", "demo-secret", device(nobody), here, nil, 200},
		{"a proven user", "demo-write", `{"anonymousId":"` + nobody + `","proof":"` + proof(t, "u1") + `"}`, here, nil, 200},
		{"row 20 a proof that does not hold", "demo-write", `{"anonymousId":"` + nobody + `","proof":"x"}`, here, nil, 401},
		{"another address", "demo-write", device(nobody), "192.0.2.2:4711", nil, 200},
		{"a connection of unknown source", "demo-write", device(nobody), "", nil, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			if status := ask(c.key, c.body, c.address, c.headers...); status != c.status {
				t.Errorf("%d, want %d", status, c.status)
			}
		})
	}
}
