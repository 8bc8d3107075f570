package person

import (
	"encoding/json"
)

type storedInstance struct {
	Version string          `json:"v"`
	Changed int64           `json:"c"`
	By      string          `json:"b"`
	Fired   int             `json:"f,omitempty"`
	FiredAt int64           `json:"fa,omitempty"`
	FiredOn int64           `json:"fo,omitempty"`
	Content json.RawMessage `json:"d,omitempty"`
}

type storedConsent struct {
	Given   bool   `json:"y,omitempty"`
	At      int64  `json:"at"`
	By      string `json:"by,omitempty"`
	Wording string `json:"w,omitempty"`
	Expires int64  `json:"e,omitempty"`
}

type storedSend struct {
	ID      string `json:"i"`
	Purpose string `json:"p,omitempty"`
	At      int64  `json:"at"`
}

type storedWait struct {
	ID       string          `json:"i"`
	Until    int64           `json:"u"`
	Ends     int64           `json:"e"`
	Purpose  string          `json:"p,omitempty"`
	Value    int             `json:"v,omitempty"`
	Released bool            `json:"r,omitempty"`
	Message  json.RawMessage `json:"m"`
}

type storedExposure struct {
	At      int64 `json:"at"`
	Since   int64 `json:"s,omitempty"`
	Ordered bool  `json:"o,omitempty"`
}

type storedOrder struct {
	ID       string `json:"i"`
	At       int64  `json:"at"`
	Currency string `json:"c,omitempty"`
	Worth    int64  `json:"v,omitempty"`
}

func (n *Node) storeHistory(s *storedNode) {
	s.Instances = converted(n.Instances, func(in *Instance) storedInstance {
		return storedInstance{
			Version: in.Version, Changed: millis(in.Changed), By: in.By,
			Fired: in.Fired, FiredAt: millis(in.FiredAt), FiredOn: millis(in.FiredOn), Content: in.Content,
		}
	})
	s.Goals = converted(n.Goals, millis)
	s.Consent = converted(n.Consent, func(c Consent) storedConsent {
		return storedConsent{Given: c.Given, At: millis(c.At), By: c.By, Wording: c.Wording, Expires: millis(c.Expires)}
	})
	s.Shown = converted(n.Shown, func(x Exposure) storedExposure { return storedExposure{millis(x.At), millis(x.Since), x.Ordered} })
	for _, send := range n.Sends {
		s.Sends = append(s.Sends, storedSend{ID: send.ID, Purpose: send.Purpose, At: millis(send.At)})
	}
	for _, w := range n.Waits {
		s.Waits = append(s.Waits, storedWait{w.ID, millis(w.Until), millis(w.Ends), w.Purpose, w.Value, w.Released, w.Message})
	}
	for _, x := range n.Orders {
		s.Orders = append(s.Orders, storedOrder{ID: x.ID, At: millis(x.At), Currency: x.Currency, Worth: x.Hundredths})
	}
}

func (n *Node) loadHistory(s storedNode) {
	n.Instances = converted(s.Instances, func(in storedInstance) *Instance {
		return &Instance{
			Version: in.Version, Changed: instant(in.Changed), By: in.By,
			Fired: in.Fired, FiredAt: instant(in.FiredAt), FiredOn: instant(in.FiredOn), Content: in.Content,
		}
	})
	n.Goals = converted(s.Goals, instant)
	n.Consent = converted(s.Consent, func(c storedConsent) Consent {
		return Consent{Given: c.Given, At: instant(c.At), By: c.By, Wording: c.Wording, Expires: instant(c.Expires)}
	})
	n.Shown = converted(s.Shown, func(x storedExposure) Exposure { return Exposure{instant(x.At), instant(x.Since), x.Ordered} })
	for _, send := range s.Sends {
		n.Sends = append(n.Sends, Send{ID: send.ID, Purpose: send.Purpose, At: instant(send.At)})
	}
	for _, w := range s.Waits {
		n.Waits = append(n.Waits, Wait{w.ID, instant(w.Until), instant(w.Ends), w.Purpose, w.Value, w.Released, w.Message})
	}
	for _, x := range s.Orders {
		n.Orders = append(n.Orders, Order{ID: x.ID, At: instant(x.At), Currency: x.Currency, Hundredths: x.Worth})
	}
}

// converted is the map with every value converted; nil for an empty one.
func converted[A, B any](m map[string]A, convert func(A) B) map[string]B {
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]B, len(m))
	for name, v := range m {
		out[name] = convert(v)
	}
	return out
}
