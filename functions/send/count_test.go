package send_test

import (
	"context"
	"maps"
	"testing"

	"rapport/functions/send"
	"rapport/shared/fault"
	"rapport/shared/message"
)

func TestMailsAreCountedForTheDashboard(t *testing.T) {
	abort := fault.New(fault.Invalid, "render_abort", "out of stock")
	for metric, prepare := range map[string]func(*around){
		"MailsSent":    func(*around) {},
		"MailsSkipped": func(a *around) { a.render = func() (send.Mail, error) { return send.Mail{}, abort } },
		"MailsUnknown": func(a *around) { a.mailer = fails(errNetwork) },
	} {
		got := map[string]int{}
		a := newAround(newStory(t, message.AtMostOnce))
		prepare(a)
		deps := a.function().Deps
		deps.Count = func(metric string, n int) { got[metric] += n }
		for range 2 { // the second delivery finds it done
			if _, err := send.New(deps).Handle(context.Background(), batchOf(a.body)); err != nil {
				t.Fatal(err)
			}
		}
		if !maps.Equal(got, map[string]int{metric: 1}) {
			t.Errorf("counted %v, want one of %s", got, metric)
		}
	}
}
