package prefer_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"rapport/shared/message"
	"rapport/shared/person"
)

const mine = `"anonymousId":"` + device + `"`

// A visitor's choices hold from the answer on, by whichever road they are read,
// and null takes one back.
func TestChoicesHold(t *testing.T) {
	w := open(t)
	const chosen = `"theme":"dark","topics":["green","tea"],"channels":["email"],"custom":{"font":"large","step":7.50}`
	body := `{` + mine + `,"theme":"dark","topics":["tea","green","tea"],"channels":["email"],"custom":{"font":"large","step":7.50}}`
	has(t, w.json("demo-write", "/v1/preferences", body), http.StatusOK, `{"purposes":{},`+chosen+`}`)
	writes := w.writes
	has(t, w.json("demo-write", "/v1/preferences", body), http.StatusOK, chosen)
	for _, target := range []string{
		"/v1/preferences?anonymousId=" + device, "/v1/preferences?proof=" + proof(t, "u1"), w.preferences(),
	} {
		has(t, w.call(http.MethodGet, target, "", "Authorization", "Bearer demo-write", "Accept", "application/json"), http.StatusOK,
			`{"purposes":{"marketing":true,"news":false,"sale":true},`+chosen+`}`)
	}
	has(t, w.call(http.MethodGet, "/v1/preferences?node=userId:u1", "", "Authorization", "Bearer demo-secret"), http.StatusOK, chosen)
	if w.writes != writes {
		t.Errorf("%d commits by repeating and reading", w.writes-writes)
	}
	w.now = noon.Add(time.Minute)
	has(t, w.json("demo-secret", "/v1/preferences", `{"node":"userId:u1","theme":null,"custom":{"font":null}}`), http.StatusOK,
		`{"purposes":{},"topics":["green","tea"],"channels":["email"],"custom":{"step":7.50}}`)
}

// Nobody reads what another chose.
func TestChoicesAreTheirOwners(t *testing.T) {
	w := open(t)
	for target, status := range map[string]int{
		"/v1/preferences?userId=u1": 403, "/v1/preferences?node=userId:u1": 403, "/v1/preferences?anonymousId=1": 422,
		"/v1/preferences?userId=u1&proof=" + proof(t, "u2"): 403,
	} {
		has(t, w.call(http.MethodGet, target, "", "Authorization", "Bearer demo-write"), status)
	}
	has(t, w.call(http.MethodGet, w.preferences()+"A", "", "Accept", "application/json"), http.StatusBadRequest, `"code":"bad_link"`)
}

// Whoever refuses before anything is known of them is known for that, and for
// nothing else.
func TestRefusalOfSomebodyNew(t *testing.T) {
	w := open(t)
	const somebody = "ae2d8a57-1e03-4c9e-b76f-ac45af8e5130"
	has(t, w.json("demo-write", "/v1/preferences", `{"anonymousId":"`+somebody+`","theme":"dark","purposes":{"sale":false}}`), http.StatusOK,
		`{"purposes":{"sale":false},"theme":"dark"}`)
	said := w.said(person.NodeID{Kind: person.AnonymousID, Value: somebody})
	if c, ok := said["sale"]; !ok || c.Given {
		t.Errorf("said %v", said)
	}
}

func TestCustomFieldsAreBounded(t *testing.T) {
	w := open(t)
	fields := func(from, to int) string {
		custom := map[string]int{}
		for i := from; i < to; i++ {
			custom[fmt.Sprint("f", i)] = i
		}
		body, err := json.Marshal(custom)
		if err != nil {
			t.Fatal(err)
		}
		return `{` + mine + `,"custom":` + string(body) + `}`
	}
	has(t, w.json("demo-write", "/v1/preferences", fields(0, 51)), http.StatusUnprocessableEntity, "too_many_fields")
	has(t, w.json("demo-write", "/v1/preferences", fields(0, 50)), http.StatusOK)
	has(t, w.json("demo-write", "/v1/preferences", fields(50, 51)), http.StatusUnprocessableEntity, "too_many_fields")
	w.now = noon.Add(time.Minute)
	has(t, w.json("demo-write", "/v1/preferences", `{`+mine+`,"custom":{"f0":null,"f50":50}}`), http.StatusOK)
}

// A yes is kept with what was read and until when it counts; one to a channel is
// no word to the others.
func TestProofAndExpiryOfConsent(t *testing.T) {
	w := open(t)
	w.strat.Purposes[1].Lasts, w.strat.Purposes[1].Channels = 30, []string{message.Email, "sms"}
	has(t, w.json("demo-write", "/v1/preferences", `{`+mine+`,"wording":"The letter, monthly","purposes":{"news":true,"news/sms":false}}`), http.StatusOK)
	want := person.Consent{Given: true, At: noon, By: "write key", Wording: "The letter, monthly", Expires: noon.AddDate(0, 0, 30)}
	if got := w.said(browser); got["news"] != want || got["news/sms"].Given {
		t.Errorf("said %+v", got)
	}
	news := w.strat.Purposes[1]
	for _, c := range []struct {
		channel string
		days    int
		want    string
	}{{message.Email, 29, ""}, {message.Email, 30, message.NoConsent}, {"sms", 1, message.Refusal}} {
		if got := news.Refuses(w.said(browser), c.channel, noon.AddDate(0, 0, c.days)); got != c.want {
			t.Errorf("%s after %d days: %q", c.channel, c.days, got)
		}
	}
	w.now = noon.AddDate(0, 0, 10)
	has(t, w.json("demo-write", "/v1/preferences", `{`+mine+`,"wording":"The letter, monthly","purposes":{"news":true}}`), http.StatusOK)
	if got := w.said(browser)["news"].Expires; !got.Equal(noon.AddDate(0, 0, 40)) {
		t.Errorf("a yes that was said again expires at %s", got)
	}
}

// Row 86, for what the request does not speak of, and by every road.
func TestGlobalPrivacyControlIsRecorded(t *testing.T) {
	for _, key := range []string{"demo-write", "demo-secret", ""} {
		w := open(t)
		target, who := "/v1/preferences", mine+","
		if key == "" {
			target, who = w.preferences(), ""
		}
		has(t, w.json(key, target, `{`+who+`"theme":"dark"}`, "Sec-GPC", "1"), http.StatusOK)
		if c, ok := w.said(user)["sale"]; ok != (key != "demo-secret") || c.Given {
			t.Errorf("%q: said %v", key, w.said(user))
		}
		if strings.Contains(w.log.String(), "the opt-out stands") {
			t.Error("a conflict where there was none")
		}
	}
}
