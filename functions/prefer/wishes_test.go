package prefer_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"rapport/shared/audience"
	"rapport/shared/message"
	"rapport/shared/person"
)

// shown are the fields that a page shows beside the purposes.
const shown = "field=channels&field=cadence&field=quietHours&field=theme&field=topics"

// roomy is a world with another channel, a purpose that is not about messages and
// a theme of its own.
func roomy(t *testing.T) *world {
	t.Helper()
	w := open(t)
	w.strat.Purposes[1].Channels = []string{message.Email, "sms"}
	w.strat.Purposes = append(w.strat.Purposes, message.Purpose{ID: "watch", Name: "Remembering <what> you look at", Basis: message.OptOut, Allows: []message.Use{message.Tracking}})
	w.strat.Preferred = []audience.Field{{
		Name: "theme", Explicit: person.Theme, Default: json.RawMessage(`"light"`),
		Inferred: []audience.Inference{{Audience: "night", Value: json.RawMessage(`"dim"`)}},
	}, {Name: "shade", Explicit: person.Theme, Default: json.RawMessage(`3`)}, {Name: "tea", Explicit: "custom.tea", Default: json.RawMessage(`"mint"`)}}
	return w
}

// chosen is what is stored of u1's preferences.
func (w *world) chosen(field string) string {
	w.t.Helper()
	p, err := w.store.Find(w.t.Context(), user)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(p.Preferences()[field].Value)
}

// Only what is about messages stands under them, and everything that can be chosen
// has its field.
func TestThePageHasAFieldForEverything(t *testing.T) {
	w := roomy(t)
	body := w.call(http.MethodGet, w.preferences(), "").Body.String()
	messages, data, cut := strings.Cut(body, "<legend>What we may do with what we know</legend>")
	if !cut || !strings.Contains(messages, `value="news"`) || strings.Contains(messages, `value="sale"`) || strings.Contains(messages, `value="watch"`) {
		t.Errorf("messages: %s", messages)
	}
	for _, want := range []string{
		`name="purpose" value="watch" checked`, `Remembering &lt;what&gt; you look at`, `name="purpose" value="sale" checked`,
		`name="channel" value="email" checked> <span>Email</span>`, `name="channel" value="sms" checked> <span>Text message</span>`,
		`<select name="cadence"><option value="" selected>No preference</option><option value="instant">`,
		`<input type="time" name="from" value="">`, `<input type="time" name="to" value="">`, `name="zone" value=""`,
		`<option value="light">light</option><option value="dark">dark</option><option value="dim">dim</option></select>`, `name="topics" value=""`,
	} {
		if !strings.Contains(data, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if strings.Contains(body, "<script") || strings.Contains(body, `value="phone"`) || w.writes > 0 {
		t.Errorf("it has a script, or a channel that nothing writes by, or %d commits: %s", w.writes, body)
	}
}

// What a form says is stored, shown and taken back; saving it again stores nothing.
func TestThePageStoresWishes(t *testing.T) {
	w := roomy(t)
	const filled = shown + "&channel=sms&cadence=weekly&from=21:00&to=08:00&zone=+Europe/Kyiv+&theme=dim&topics=tea,+green+tea,,tea"
	has(t, w.form(w.preferences(), filled), http.StatusOK, "Saved", `value="email">`, `value="sms" checked>`, `<option value="weekly" selected>`,
		`name="from" value="21:00"`, `name="to" value="08:00"`, `name="zone" value="Europe/Kyiv"`, `<option value="dim" selected>`, `name="topics" value="green tea, tea"`)
	for field, want := range map[string]string{
		person.Channels: `["sms"]`, person.Cadence: `"weekly"`, person.Theme: `"dim"`, person.Topics: `["green tea","tea"]`,
		person.Quiet: `{"from":"21:00","to":"08:00","zone":"Europe/Kyiv"}`,
	} {
		if got := w.chosen(field); got != want {
			t.Errorf("%s is stored as %s", field, got)
		}
	}
	writes := w.writes
	w.now = noon.Add(time.Minute)
	has(t, w.form(w.preferences(), filled), http.StatusOK)
	if w.writes != writes {
		t.Errorf("%d commits by saving the same again", w.writes-writes)
	}
	has(t, w.form(w.preferences(), shown+"&channel=sms&channel=email&cadence=&from=&to=&zone=Europe/Kyiv&theme=&topics=+,"), http.StatusOK, "Saved")
	for _, field := range []string{person.Channels, person.Cadence, person.Theme, person.Topics, person.Quiet} {
		if got := w.chosen(field); got != "" {
			t.Errorf("%s is still %s", field, got)
		}
	}
	if len(w.said(user)) > 0 {
		t.Errorf("said %v", w.said(user))
	}
}

// A form that is sent back as it was shown, or without a field, says nothing of it.
func TestThePageSaysNothingUnasked(t *testing.T) {
	w := roomy(t)
	has(t, w.form(w.preferences(), shown+"&channel=email&channel=sms&cadence=&theme=&topics="), http.StatusOK)
	has(t, w.form(w.preferences(), "theme=dark&cadence=daily&channel=sms&topics=tea&from=21:00&to=08:00"), http.StatusOK)
	has(t, w.json("", w.preferences(), `{"theme":null,"quietHours":null,"custom":{"font":null}}`), http.StatusOK)
	if w.writes > 0 {
		t.Errorf("%d commits", w.writes)
	}
	const topic = "Sencha, first flush"
	has(t, w.json("", w.preferences(), `{"topics":["`+topic+`"],"theme":"sepia"}`), http.StatusOK)
	w.now = noon.Add(time.Minute)
	has(t, w.form(w.preferences(), shown+"&channel=email&channel=sms&theme=sepia&topics="+strings.ReplaceAll(topic, " ", "+")), http.StatusOK,
		`<option value="sepia" selected>sepia</option>`)
	if got := w.chosen(person.Topics); got != `["`+topic+`"]` || w.writes != 1 {
		t.Errorf("topics are %s after %d commits", got, w.writes)
	}
}

func TestThePageRefusesWhatIsNoTime(t *testing.T) {
	w := roomy(t)
	for body, says := range map[string]string{
		"&from=21:00&to=": "like 21:00", "&from=21:00&to=21:00": "another time", "&from=21:00&to=08:00&zone=Local": "time zone",
		"&cadence=hourly": "instant, daily", "&channel=pigeon": "email, sms",
	} {
		has(t, w.form(w.preferences(), shown+body), http.StatusUnprocessableEntity, "This did not work", says)
	}
	if w.writes > 0 {
		t.Errorf("%d commits", w.writes)
	}
}

// Who chose nothing of channels gets what is written by none of them.
func TestNoChannelIsAChoice(t *testing.T) {
	w := roomy(t)
	has(t, w.form(w.preferences(), "field=channels"), http.StatusOK, `value="email">`, `value="sms">`)
	if got := w.chosen(person.Channels); got != "[]" {
		t.Errorf("channels are %s", got)
	}
}
