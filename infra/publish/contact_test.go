package publish_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport/infra/publish"
	"rapport/shared/message"
	"rapport/shared/quiet"
)

// What a strategy says of hours and budgets is what send gets.
func TestContactIsPublished(t *testing.T) {
	text := strings.NewReplacer(
		"purposes:", "quiet_hours: {from: \"21:00\", to: \"08:05\", zones: [Europe/Kyiv]}\nbudget: {most: 3, within: 7d}\npurposes:",
		"    basis: opt_out\n", "    basis: opt_out\n    quiet_hours: none\n    budget: {most: 1, within: 2d}\n",
		"    subject: Hello\n", "    subject: Hello\n    value: 20\n    defer: 1d12h\n",
	).Replace(goodMail)
	text = strings.Replace(text, "messages:", "  receipts: {name: Receipts, basis: opt_out, transactional: true}\nmessages:", 1)
	doc, problems := publish.Load(write(t, map[string]string{"m.yaml": text, "reminder.mjml": goodMJML}))
	if len(problems) > 0 {
		t.Fatal(texts(problems))
	}
	want := message.Contact{
		Quiet: &quiet.Hours{From: 21 * 60, To: 8*60 + 5}, Zones: []string{"Europe/Kyiv"}, Budget: &quiet.Budget{Most: 3, Days: 7},
	}
	if diff := cmp.Diff(want, doc.Contact); diff != "" {
		t.Error(diff)
	}
	marketing, receipts, plain := doc.Purposes[0], doc.Purposes[1], doc.Messages[0]
	if !marketing.Quiet.Empty() || *marketing.Budget != (quiet.Budget{Most: 1, Days: 2}) || marketing.Transactional || !receipts.Transactional {
		t.Errorf("purposes %+v", doc.Purposes)
	}
	if plain.Value != 20 || plain.Defer != 36*time.Hour || doc.Messages[1].Defer != 0 {
		t.Errorf("messages %+v", doc.Messages)
	}
}

// Hours and budgets of the strategy stand in one file.
func TestContactTwice(t *testing.T) {
	const contact = "quiet_hours: {from: \"02:00\", to: \"02:20\"}\nbudget: {most: 3, within: 7d}\n"
	_, problems := publish.Load(write(t, map[string]string{"a.yaml": contact, "b.yaml": contact, "m.yaml": goodMail, "reminder.mjml": goodMJML}))
	want := "b.yaml:1:14: quiet_hours stands twice, at a.yaml:1 and here: keep one\nb.yaml:2:9: budget stands twice, at a.yaml:2 and here: keep one"
	if got := texts(problems); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
