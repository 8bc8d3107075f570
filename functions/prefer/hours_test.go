package prefer_test

import (
	"net/http"
	"testing"
	"time"

	"rapport/shared/person"
)

// How often and when not: stored as it was checked, by whichever road, and taken
// back by null.
func TestCadenceAndQuietHoursHold(t *testing.T) {
	w := open(t)
	const chosen = `"cadence":"weekly","quietHours":{"from":"21:00","to":"08:00","zone":"Europe/Kyiv"}`
	has(t, w.json("demo-write", "/v1/preferences", `{`+mine+`,"cadence":"weekly","quietHours":{ "to":"08:00", "zone":"Europe/Kyiv", "from":"21:00" }}`),
		http.StatusOK, chosen)
	writes := w.writes
	has(t, w.json("", w.preferences(), `{`+chosen+`}`), http.StatusOK, chosen)
	has(t, w.call(http.MethodGet, w.preferences(), "", "Accept", "application/json"), http.StatusOK, chosen)
	if w.writes != writes {
		t.Errorf("%d commits by repeating and reading", w.writes-writes)
	}
	p, err := w.store.Find(t.Context(), browser)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"from":"21:00","to":"08:00","zone":"Europe/Kyiv"}`
	if got := string(p.Preferences()[person.Quiet].Value); got != want {
		t.Errorf("stored %s, want %s", got, want)
	}
	w.now = noon.Add(time.Minute)
	has(t, w.json("demo-write", "/v1/preferences", `{`+mine+`,"cadence":null,"quietHours":{"from":"00:00","to":"23:59"}}`), http.StatusOK,
		`{"purposes":{},"quietHours":{"from":"00:00","to":"23:59"}}`)
	w.now = noon.Add(2 * time.Minute)
	has(t, w.json("demo-write", "/v1/preferences", `{`+mine+`,"quietHours":null}`), http.StatusOK, `{"purposes":{}}`)
}

func TestCadenceAndQuietHoursAreStrict(t *testing.T) {
	w := open(t)
	hours := func(from, to, more string) string {
		return `"quietHours":{"from":"` + from + `","to":"` + to + `"` + more + `}`
	}
	for said, field := range map[string]string{
		`"cadence":"yearly"`: "cadence", `"cadence":""`: "cadence", `"cadence":7`: "cadence", `"cadence":"Daily"`: "cadence",
		`"quietHours":"21:00-08:00"`: "quietHours", `"quietHours":[]`: "quietHours", `"quietHours":{}`: "quietHours.from",
		`"quietHours":{"from":"21:00"}`: "quietHours.to", `"quietHours":{"from":21,"to":"08:00"}`: "quietHours.from",
		hours("9:00", "08:00", ""): "quietHours.from", hours("24:00", "08:00", ""): "quietHours.from", hours("21:00:00", "08:00", ""): "quietHours.from",
		hours("21:60", "08:00", ""): "quietHours.from", hours("", "08:00", ""): "quietHours.from", hours("21:00", "8", ""): "quietHours.to",
		hours("21:00", "21:00", ""):                           "quietHours.to",
		hours("21:00", "08:00", `,"zone":""`):                 "quietHours.zone",
		hours("21:00", "08:00", `,"zone":"Local"`):            "quietHours.zone",
		hours("21:00", "08:00", `,"zone":"localtime"`):        "quietHours.zone",
		hours("21:00", "08:00", `,"zone":"right/UTC"`):        "quietHours.zone",
		hours("21:00", "08:00", `,"zone":"Mars/Phobos"`):      "quietHours.zone",
		hours("21:00", "08:00", `,"zone":"../etc/passwd"`):    "quietHours.zone",
		hours("21:00", "08:00", `,"zone":"/usr/share/"`):      "quietHours.zone",
		hours("21:00", "08:00", `,"zone":5`):                  "quietHours.zone",
		hours("21:00", "08:00", `,"days":["mon"]`):            "quietHours.days",
		hours("21:00", "08:00", `,"zone":"UTC","zone":"UTC"`): "quietHours.zone",
	} {
		r := w.json("demo-write", "/v1/preferences", `{`+mine+`,`+said+`}`)
		if r.Code != http.StatusUnprocessableEntity && r.Code != http.StatusBadRequest {
			t.Errorf("%s: status %d", said, r.Code)
		}
		has(t, r, r.Code, `"field":"`+field+`"`)
	}
	if w.writes > 0 {
		t.Errorf("%d commits", w.writes)
	}
	for _, zone := range []string{"UTC", "Europe/Kyiv", "America/Argentina/Buenos_Aires", "Etc/GMT+5"} {
		w.now = w.now.Add(time.Minute)
		has(t, w.json("demo-write", "/v1/preferences", `{`+mine+`,`+hours("21:00", "08:00", `,"zone":"`+zone+`"`)+`}`), http.StatusOK, zone)
	}
}
