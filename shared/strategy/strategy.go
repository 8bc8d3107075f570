// Package strategy is the customer strategy as code, after it was checked and
// compiled: what is computed of people, which audiences they fall into, and what
// a website may show to whom. It is published as one immutable, versioned
// document in the table, with a pointer to the current version.
package strategy

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"rapport/shared/audience"
	"rapport/shared/content"
	"rapport/shared/event"
	"rapport/shared/fault"
	"rapport/shared/journey"
	"rapport/shared/message"
	"rapport/shared/person"
	"rapport/shared/persona"
)

// Document is a strategy as it is stored. Everything in it is sorted by id or
// name, so that equal strategies have equal bytes.
type Document struct {
	Version   string                 `json:"version,omitempty"` // see Seal
	Zone      string                 `json:"zone"`              // IANA name of the time zone that days are counted in
	Offsets   [][2]int64             `json:"offsets,omitempty"` // of the zone, see Offsets; left out when nothing counts days
	Computed  []person.ComputedTrait `json:"computed,omitempty"`
	Lifecycle *person.Lifecycle      `json:"lifecycle,omitempty"`
	Retention event.Retention        `json:"retention,omitzero"`
	Audiences []audience.Audience    `json:"audiences,omitempty"`
	Preferred []audience.Field       `json:"preferred,omitempty"`
	Slots     []content.Slot         `json:"slots,omitempty"`
	Blocks    []content.Block        `json:"blocks,omitempty"`
	Sender    message.Sender         `json:"sender,omitzero"`
	Contact   message.Contact        `json:"contact,omitzero"`
	Purposes  []message.Purpose      `json:"purposes,omitempty"`
	Messages  []message.Template     `json:"messages,omitempty"`
	Journeys  []journey.Journey      `json:"journeys,omitempty"`
	Sources   []event.Source         `json:"sources,omitempty"`
	Personas  []persona.Persona      `json:"personas,omitempty"`
	Retired   []journey.Journey      `json:"retired,omitempty"` // earlier versions that people may still be on
}

// encode returns the canonical JSON of a document or of a section of one.
func encode(d any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(d); err != nil {
		return nil, fault.New(fault.Internal, "encode_strategy", "the strategy could not be encoded").Because(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Seal returns the document with its version: the first 12 hexadecimal digits of
// the SHA-256 of its canonical JSON without one.
func (d Document) Seal() (Document, error) {
	d.Version = ""
	body, err := encode(d)
	if err != nil {
		return d, err
	}
	sum := sha256.Sum256(body)
	d.Version = hex.EncodeToString(sum[:6])
	return d, nil
}

// Strategy is a document made ready for use. It never changes; any number of
// goroutines may use it.
type Strategy struct {
	Document

	// Rules holds the rules of all audiences, in their order, and after them the
	// extra rules of blocks, to which Block.When points.
	Rules *audience.Set

	// Declared is what of a person a view holds, and Watched names the computed
	// traits that can change by time alone and that an audience reads.
	Declared *person.Declared
	Watched  []string

	audiences map[string]int
	slots     map[string]content.Slot
	blocks    map[string]content.Block
	bySlot    map[string][]content.Block
	zone      *zone
}

// Ready compiles the document. It returns a fault of kind Invalid for one that
// the engine cannot run: a rule that does not compile, or an id that leads
// nowhere.
func Ready(doc Document) (*Strategy, error) {
	s := &Strategy{
		Document:  doc,
		audiences: make(map[string]int, len(doc.Audiences)),
		slots:     make(map[string]content.Slot, len(doc.Slots)),
		blocks:    make(map[string]content.Block, len(doc.Blocks)),
		bySlot:    make(map[string][]content.Block, len(doc.Slots)),
		zone:      &zone{},
	}
	s.Declared = &person.Declared{Computed: doc.Computed, Lifecycle: doc.Lifecycle, Days: person.NewCalendar(doc.Offsets)}
	s.Blocks = slices.Clone(doc.Blocks)
	if err := s.compile(); err != nil {
		return nil, err
	}
	if err := s.connect(); err != nil {
		return nil, err
	}
	for _, slot := range s.Slots {
		s.slots[slot.ID] = slot
	}
	for _, b := range s.Blocks {
		if err := s.place(b); err != nil {
			return nil, err
		}
	}
	for _, slot := range s.Slots {
		if s.blocks[slot.Fallback].Slot != slot.ID {
			return nil, unknown("slots."+slot.ID+".fallback", "block of this slot", slot.Fallback)
		}
		slices.SortFunc(s.bySlot[slot.ID], func(a, b content.Block) int {
			return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.ID, b.ID))
		})
	}
	return s, nil
}

// compile compiles every rule, and points blocks to theirs.
func (s *Strategy) compile() error {
	var programs []audience.Program
	var ids []string
	for i, a := range s.Audiences {
		s.audiences[a.ID] = i
		ids = append(ids, a.ID)
		programs = append(programs, a.When)
	}
	for i := range s.Blocks {
		b := &s.Blocks[i]
		b.When = content.NoRule
		if b.Rule != nil {
			b.When = len(programs)
			programs = append(programs, *b.Rule)
		}
	}
	var err error
	if s.Rules, err = audience.Compile(programs, audience.Names{Times: Times(s.Computed), Audiences: ids, Fields: s.Preferred}); err != nil {
		return err
	}
	for _, c := range s.Computed {
		if c.Timed() && s.reads(c.Name) {
			s.Watched = append(s.Watched, c.Name)
		}
	}
	return nil
}

// reads reports whether an audience reads the computed trait.
func (s *Strategy) reads(name string) bool {
	path := audience.Computed + "." + name
	for i := range s.Audiences {
		for _, used := range s.Rules.Uses(i) {
			if used == path || strings.HasPrefix(used, path+".") || strings.HasPrefix(used, path+"[") {
				return true
			}
		}
	}
	return false
}

// Times returns the paths of the computed traits that are times.
func Times(computed []person.ComputedTrait) []string {
	var paths []string
	for _, c := range computed {
		if (c.Op == person.First || c.Op == person.Last) && slices.Equal(c.Of, []string{person.TimestampProperty}) {
			paths = append(paths, "computed."+c.Name)
		}
	}
	return paths
}

func (s *Strategy) place(b content.Block) error {
	if _, ok := s.slots[b.Slot]; !ok {
		return unknown("blocks."+b.ID+".slot", "slot", b.Slot)
	}
	if _, ok := s.audiences[b.Audience]; !ok && b.Audience != "" {
		return unknown("blocks."+b.ID+".audience", "audience", b.Audience)
	}
	s.blocks[b.ID] = b
	s.bySlot[b.Slot] = append(s.bySlot[b.Slot], b)
	return nil
}

func unknown(field, what, id string) error {
	return fault.New(fault.Invalid, "strategy_reference", "there is no %s %q; publish the strategy again", what, id).In(field)
}

// Slot returns the slot with that id.
func (s *Strategy) Slot(id string) (slot content.Slot, ok bool) {
	slot, ok = s.slots[id]
	return slot, ok
}

// Block returns the block with that id.
func (s *Strategy) Block(id string) (b content.Block, ok bool) {
	b, ok = s.blocks[id]
	return b, ok
}

// BlocksOf returns the candidates for a slot, fallback included: highest
// priority first, then by id. The slice is shared: do not change it.
func (s *Strategy) BlocksOf(slotID string) []content.Block { return s.bySlot[slotID] }

// AudienceIndex returns the audience's index in Audiences and so in Rules.
func (s *Strategy) AudienceIndex(id string) (i int, ok bool) {
	i, ok = s.audiences[id]
	return i, ok
}

// String names the strategy for logs.
func (s *Strategy) String() string { return fmt.Sprintf("strategy %s", s.Version) }
