package main

import (
	"fmt"

	"github.com/schollz/progressbar/v3"

	"rapport/infra/history"
)

// tellEvery is after how many events a plain line tells how far it is.
const tellEvery = 10_000

// progress tells how far an import is: a moving line on a terminal, now and then
// a plain one elsewhere.
type progress struct {
	t    terminal
	bar  *progressbar.ProgressBar
	told int
}

func newProgress(t terminal) *progress {
	p := &progress{t: t}
	if t.live {
		p.bar = progressbar.NewOptions(-1, progressbar.OptionSetWriter(t.err), progressbar.OptionSetDescription("events"),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("events"),
			progressbar.OptionClearOnFinish())
	}
	return p
}

// update is called after each batch.
func (p *progress) update(s history.Summary) {
	switch {
	case p.bar != nil:
		_ = p.bar.Set(s.Events) // a bar that cannot be drawn is not worth stopping for
	case s.Events >= p.told+tellEvery:
		p.told = s.Events
		fmt.Fprintf(p.t.err, "line %d: %d accepted\n", s.Lines, s.Accepted)
	}
}

func (p *progress) done() {
	if p.bar != nil {
		_ = p.bar.Finish() // as above
	}
}
