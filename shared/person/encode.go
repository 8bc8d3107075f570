package person

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"rapport/shared/fault"
)

// The stored form has one-letter names and times as Unix milliseconds: it is
// written with every event, and a write is billed by its size. Equal people
// have equal bytes.

type storedPerson struct {
	Created   int64            `json:"c"`
	Unit      string           `json:"u"`
	Due       int64            `json:"d,omitempty"`
	Audiences map[string]int64 `json:"a,omitempty"`
	Stage     Stage            `json:"s,omitempty"`
	Staged    int64            `json:"t,omitempty"`
	Nodes     []storedNode     `json:"n"`
}

type storedNode struct {
	ID       string                `json:"i"`
	Named    bool                  `json:"w,omitempty"`
	Owner    *storedLink           `json:"o,omitempty"`
	Refused  []storedRefusal       `json:"r,omitempty"`
	First    int64                 `json:"f,omitempty"`
	Last     int64                 `json:"l,omitempty"`
	Traits   []storedTraits        `json:"t,omitempty"`
	Computed map[string]storedFold `json:"x,omitempty"`
	Life     *storedLife           `json:"b,omitempty"`

	Instances map[string]storedInstance `json:"j,omitempty"`
	Goals     map[string]int64          `json:"g,omitempty"`
	Consent   map[string]storedConsent  `json:"k,omitempty"`
	Prefers   []storedTraits            `json:"p,omitempty"`
	Sends     []storedSend              `json:"s,omitempty"`
	Waits     []storedWait              `json:"q,omitempty"`
	Shown     map[string]storedExposure `json:"h,omitempty"`
	Orders    []storedOrder             `json:"y,omitempty"`
}

// storedTraits groups traits by the event that set them.
type storedTraits struct {
	At  int64                      `json:"at"`
	By  string                     `json:"by"`
	Set map[string]json.RawMessage `json:"s"`
}

type storedFold struct {
	Count int64           `json:"n,omitempty"`
	Sum   string          `json:"s,omitempty"`
	At    int64           `json:"at,omitempty"`
	By    string          `json:"by,omitempty"`
	Value json.RawMessage `json:"v,omitempty"`

	Days   string            `json:"d,omitempty"` // see joinDays
	Seen   string            `json:"u,omitempty"`
	Values map[string]string `json:"m,omitempty"` // by value's JSON; each see joinDays
}

// Pointer leads from a node that joined another person to the root of it.
type Pointer struct {
	To string `json:"to"`
}

// Encode returns the body of the pointer's item.
func (p Pointer) Encode() []byte {
	body, _ := json.Marshal(p)
	return body
}

// DecodePointer reads an item's body as a pointer; ok is false for a person.
func DecodePointer(body []byte) (p Pointer, ok bool) {
	if !bytes.HasPrefix(body, []byte(`{"to":`)) {
		return Pointer{}, false
	}
	return p, json.Unmarshal(body, &p) == nil && p.To != ""
}

// Encode returns the body of the person's item.
func (p *Person) Encode() ([]byte, error) {
	s := storedPerson{Created: millis(p.Created), Unit: p.Unit, Due: millis(p.Due), Nodes: make([]storedNode, len(p.Nodes))}
	s.Stage, s.Staged = p.Stage, millis(p.Staged)
	if len(p.Audiences) > 0 {
		s.Audiences = make(map[string]int64, len(p.Audiences))
		for id, since := range p.Audiences {
			s.Audiences[id] = millis(since)
		}
	}
	for i, n := range p.Nodes {
		s.Nodes[i] = n.store()
	}
	// Values must come back as they were, so no < > & is rewritten.
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return nil, fault.New(fault.Internal, "encode_person", "a person could not be encoded").Because(err)
	}
	text := bytes.TrimSuffix(body.Bytes(), []byte("\n"))
	if p.Pending != nil {
		return Pend(text, p.Pending), nil
	}
	return text, nil
}

// Decode reads the body of the item under root, at that version.
func Decode(root string, version int64, body []byte) (*Person, error) {
	var s storedPerson
	body, record := pending(body)
	if err := json.Unmarshal(body, &s); err != nil {
		return nil, fault.New(fault.Internal, "decode_person", "the stored person %s cannot be read", root).Because(err)
	}
	p := &Person{Root: root, Version: version, Created: instant(s.Created), Unit: s.Unit, Due: instant(s.Due), Pending: record}
	p.Stage, p.Staged = s.Stage, instant(s.Staged)
	for id, since := range s.Audiences {
		p.enter(id, instant(since))
	}
	for _, sn := range s.Nodes {
		n, err := sn.load()
		if err != nil {
			return nil, err
		}
		p.Nodes = append(p.Nodes, n)
	}
	return p, nil
}

func (n *Node) store() storedNode {
	s := storedNode{
		ID: n.ID.String(), Named: n.Named,
		First: millis(n.FirstSeen), Last: millis(n.LastSeen), Traits: groupTraits(n.Traits),
	}
	s.Owner, s.Refused = n.Owner.store(), n.storeRefused()
	s.Computed = converted(n.Computed, (*Fold).store)
	s.Life = n.Life.store()
	s.Prefers = groupTraits(n.Preferences)
	n.storeHistory(&s)
	return s
}

func (s storedNode) load() (*Node, error) {
	id, err := ParseNode(s.ID)
	if err != nil {
		return nil, err
	}
	n := &Node{ID: id, Named: s.Named, FirstSeen: instant(s.First), LastSeen: instant(s.Last)}
	if n.Owner, err = s.Owner.load(); err != nil {
		return nil, err
	}
	if err = n.loadRefused(s.Refused); err != nil {
		return nil, err
	}
	for _, group := range s.Traits {
		for name, value := range group.Set {
			n.Declare(name, Trait{Value: value, At: instant(group.At), By: group.By})
		}
	}
	for name, sf := range s.Computed {
		f, err := sf.load()
		if err != nil {
			return nil, err
		}
		n.fold(name, f)
	}
	for _, group := range s.Prefers {
		for name, value := range group.Set {
			n.Prefer(name, Trait{Value: value, At: instant(group.At), By: group.By})
		}
	}
	n.Life = s.Life.load()
	n.loadHistory(s)
	return n, nil
}

// Fold returns the node's state of a computed trait, new when there is none.
func (n *Node) Fold(name string) *Fold {
	if f := n.Computed[name]; f != nil {
		return f
	}
	f := &Fold{}
	n.fold(name, f)
	return f
}

func (n *Node) fold(name string, f *Fold) {
	if n.Computed == nil {
		n.Computed = map[string]*Fold{}
	}
	n.Computed[name] = f
}

func groupTraits(traits map[string]Trait) []storedTraits {
	type writer struct {
		at int64
		by string
	}
	groups := map[writer]map[string]json.RawMessage{}
	for name, t := range traits {
		w := writer{millis(t.At), t.By}
		if groups[w] == nil {
			groups[w] = map[string]json.RawMessage{}
		}
		groups[w][name] = t.Value
	}
	var out []storedTraits
	for w, set := range groups {
		out = append(out, storedTraits{At: w.at, By: w.by, Set: set})
	}
	slices.SortFunc(out, func(a, b storedTraits) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.By, b.By))
	})
	return out
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
