package person

type storedLink struct {
	To   string `json:"to"`
	Rule string `json:"r"`
	At   int64  `json:"at"`
	By   string `json:"by"`
}

type storedRefusal struct {
	With string      `json:"w"`
	Out  bool        `json:"x,omitempty"`
	Link *storedLink `json:"o,omitempty"`
}

// store returns nil for no link.
func (l *Link) store() *storedLink {
	if l == nil {
		return nil
	}
	return &storedLink{To: l.To.String(), Rule: l.Rule, At: millis(l.At), By: l.By}
}

// load returns nil for no link.
func (s *storedLink) load() (*Link, error) {
	if s == nil {
		return nil, nil
	}
	to, err := ParseNode(s.To)
	return &Link{To: to, Rule: s.Rule, At: instant(s.At), By: s.By}, err
}

func (n *Node) storeRefused() []storedRefusal {
	var out []storedRefusal
	for _, r := range n.Refused {
		out = append(out, storedRefusal{With: r.With.String(), Out: r.Out, Link: r.Link.store()})
	}
	return out
}

func (n *Node) loadRefused(stored []storedRefusal) error {
	for _, s := range stored {
		with, err := ParseNode(s.With)
		if err != nil {
			return err
		}
		l, err := s.Link.load()
		if err != nil {
			return err
		}
		n.Refused = append(n.Refused, Refusal{With: with, Out: s.Out, Link: l})
	}
	return nil
}
