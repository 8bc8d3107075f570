package send

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"rapport/shared/fault"
	"rapport/shared/letter"
	"rapport/shared/link"
	"rapport/shared/message"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// Writer is the Render of the product: the strategy's template, filled with what
// is known of the person and with links that only we can sign.
type Writer struct {
	Links link.Keyring
	Base  string // URL that links begin with where the strategy names none
	Now   func() time.Time
}

var _ Render = Writer{}

// Mail implements Render.
func (w Writer) Mail(_ context.Context, s *strategy.Strategy, m *message.Message, p *person.Person) (Mail, error) {
	i := slices.IndexFunc(s.Messages, func(t message.Template) bool { return t.ID == m.Template })
	if i < 0 {
		return Mail{}, fault.New(fault.Invalid, "render_no_template", "the strategy has no message %s any more", m.Template)
	}
	t := s.Messages[i]
	base := s.Sender.Links
	if base == "" {
		base = w.Base
	}
	to := func(kind link.Kind) string {
		return w.Links.URL(base, link.Link{Kind: kind, Node: m.Node, Message: m.ID, Purpose: t.Purpose})
	}
	traits := map[string]json.RawMessage{}
	for name, trait := range p.View(nil, w.Now()).Traits {
		traits[name] = trait.Value
	}
	return letter.Compose(t, s.Sender,
		letter.Data{To: p.Address(), Message: *m, Traits: traits, Zone: s.Zone, Now: w.Now()},
		letter.Links{Unsubscribe: to(link.Unsubscribe), Preferences: to(link.Preferences), Site: base})
}
