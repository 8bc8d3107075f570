package strategy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"rapport/shared/audience"
	"rapport/shared/content"
	"rapport/shared/event"
	"rapport/shared/fault"
	"rapport/shared/journey"
	"rapport/shared/message"
	"rapport/shared/person"
	"rapport/shared/persona"
	"rapport/shared/table"
)

// A published version is two sections: the edge is what functions need that answer
// visitors, the rest what only those need that act or show. So no visitor who
// waits for a function to start waits for mail. They are types of their own, for JSON takes
// longer to look at types than to read a strategy.
//
// The first bytes of the edge travel in the pointer, so that an edge of usual
// size is there after one read. What is left of both sections lies in parts.
const (
	edgeName  = "edge"
	restName  = "rest"
	headBytes = 16 << 10  // of the pointer, which every sandbox reads twice a minute
	partBytes = 300 << 10 // of one part
)

// maxParts bounds a strategy: all its parts are read in one call.
const maxParts = 20

// edge is the first section. Its fields are those of Document.
type edge struct {
	Version   string                 `json:"version"`
	Zone      string                 `json:"zone"`
	Offsets   [][2]int64             `json:"offsets,omitempty"`
	Computed  []person.ComputedTrait `json:"computed,omitempty"`
	Lifecycle *person.Lifecycle      `json:"lifecycle,omitempty"`
	Audiences []audience.Audience    `json:"audiences,omitempty"`
	Preferred []audience.Field       `json:"preferred,omitempty"`
	Slots     []content.Slot         `json:"slots,omitempty"`
	Blocks    []content.Block        `json:"blocks,omitempty"`
	Sources   []event.Source         `json:"sources,omitempty"`
	Purposes  []message.Purpose      `json:"purposes,omitempty"`
}

// rest is the second section.
type rest struct {
	Retention event.Retention    `json:"retention,omitzero"`
	Sender    message.Sender     `json:"sender,omitzero"`
	Contact   message.Contact    `json:"contact,omitzero"`
	Messages  []message.Template `json:"messages,omitempty"`
	Journeys  []journey.Journey  `json:"journeys,omitempty"`
	Personas  []persona.Persona  `json:"personas,omitempty"`
	Retired   []journey.Journey  `json:"retired,omitempty"`
}

func divide(d Document) (edge, rest) {
	return edge{d.Version, d.Zone, d.Offsets, d.Computed, d.Lifecycle, d.Audiences, d.Preferred, d.Slots, d.Blocks, d.Sources, d.Purposes},
		rest{d.Retention, d.Sender, d.Contact, d.Messages, d.Journeys, d.Personas, d.Retired}
}

func join(e edge, r rest) Document {
	return Document{
		Version: e.Version, Zone: e.Zone, Offsets: e.Offsets, Computed: e.Computed, Lifecycle: e.Lifecycle,
		Audiences: e.Audiences, Preferred: e.Preferred, Slots: e.Slots, Blocks: e.Blocks, Sources: e.Sources, Purposes: e.Purposes,
		Retention: r.Retention, Sender: r.Sender, Contact: r.Contact, Messages: r.Messages, Journeys: r.Journeys, Personas: r.Personas, Retired: r.Retired,
	}
}

// section is what the pointer knows of one.
type section struct {
	Bytes int    `json:"bytes"`
	Sum   string `json:"sum"` // SHA-256, hexadecimal
}

// header is what the pointer says; behind it, after a line break, comes the head.
type header struct {
	Version string  `json:"version"` // "" when nothing was published
	Edge    section `json:"edge"`
	Rest    section `json:"rest"`
}

// pointer is the item that names the current version.
type pointer struct {
	header
	head []byte // the first bytes of the edge
}

// part is one item of a version.
type part struct {
	key  table.Key
	body []byte
}

// split divides a document that has its version.
func (d Document) split() (pointer, []part, error) {
	e, r := divide(d)
	front, err := encode(e)
	if err != nil {
		return pointer{}, nil, err
	}
	back, err := encode(r)
	if err != nil {
		return pointer{}, nil, err
	}
	p := pointer{header: header{Version: d.Version, Edge: sectionOf(front), Rest: sectionOf(back)}, head: front[:min(len(front), headBytes)]}
	parts := append(cut(d.Version, edgeName, front[len(p.head):]), cut(d.Version, restName, back)...)
	if len(parts) > maxParts {
		return p, nil, fault.New(fault.TooLarge, "strategy_too_large", "a strategy has at most %d KB; keep images and long texts on the website", maxParts*partBytes>>10)
	}
	return p, parts, nil
}

func sectionOf(body []byte) section {
	sum := sha256.Sum256(body)
	return section{Bytes: len(body), Sum: hex.EncodeToString(sum[:])}
}

func cut(version, name string, body []byte) []part {
	var out []part
	for i := 0; i*partBytes < len(body); i++ {
		out = append(out, part{table.StrategyPartKey(version, name, i), body[i*partBytes : min(len(body), (i+1)*partBytes)]})
	}
	return out
}

// encode returns the body of the pointer's item.
func (p pointer) encode() ([]byte, error) {
	line, err := json.Marshal(p.header)
	if err != nil {
		return nil, fault.New(fault.Internal, "strategy_pointer", "the pointer to the strategy could not be encoded").Because(err)
	}
	return append(append(line, '\n'), p.head...), nil
}

func decodePointer(body []byte) (p pointer, err error) {
	line, head, _ := bytes.Cut(body, []byte("\n"))
	if err := json.Unmarshal(line, &p.header); err != nil {
		return p, fault.New(fault.Internal, "strategy_pointer", "the pointer to the strategy cannot be read; publish again").Because(err)
	}
	p.head = head
	return p, nil
}

// missingPart is the code of the fault for a version of which a part is gone,
// damaged that for one which is not what was published, and unreadable that for
// one which this program does not understand.
const (
	missingPart = "strategy_part"
	damaged     = "strategy_damaged"
	unreadable  = "strategy_unreadable"
)

// read returns the document that the pointer names, or only its edge. It holds
// each section against its sum.
func (p pointer) read(ctx context.Context, t table.Table, whole bool) (Document, error) {
	body, err := p.gather(ctx, t, whole)
	if err != nil {
		return Document{}, err
	}
	front, back := body[:p.Edge.Bytes], body[p.Edge.Bytes:]
	if sectionOf(front) != p.Edge || whole && sectionOf(back) != p.Rest {
		return Document{}, p.fault(damaged, "is not what was published")
	}
	var e edge
	var r rest
	err = json.Unmarshal(front, &e)
	if err == nil && whole {
		err = json.Unmarshal(back, &r)
	}
	if err != nil {
		return Document{}, p.fault(unreadable, "cannot be read").Because(err)
	}
	return join(e, r), nil
}

func (p pointer) fault(code, what string) *fault.Error {
	return fault.New(fault.Internal, code, "the stored strategy %s %s; publish it again", p.Version, what)
}

// gather returns the bytes of the edge and, for the whole, of the rest behind it.
func (p pointer) gather(ctx context.Context, t table.Table, whole bool) ([]byte, error) {
	var keys []table.Key
	for i := range countParts(p.Edge.Bytes - len(p.head)) {
		keys = append(keys, table.StrategyPartKey(p.Version, edgeName, i))
	}
	size := p.Edge.Bytes
	if whole {
		size += p.Rest.Bytes
		for i := range countParts(p.Rest.Bytes) {
			keys = append(keys, table.StrategyPartKey(p.Version, restName, i))
		}
	}
	out := bytes.Clone(p.head)
	if len(keys) > 0 {
		items, err := t.Get(ctx, keys...)
		if err != nil {
			return nil, err
		}
		for i, item := range items {
			if item == nil {
				return nil, fault.New(fault.Internal, missingPart, "part %s of the strategy is missing; publish it again", keys[i].Sort)
			}
			out = append(out, item.Body...)
		}
	}
	if len(out) != size {
		return nil, p.fault(damaged, "is not what was published")
	}
	return out, nil
}

func countParts(size int) int { return (max(size, 0) + partBytes - 1) / partBytes }
