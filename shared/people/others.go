package people

import (
	"context"
	"slices"

	"rapport/shared/event"
	"rapport/shared/person"
)

// Others are the identities that a record's event names beside its own, by their
// hashes. They may belong to somebody else, or come to: who is erased must not be
// looked for in what others did, so their records name nobody.
type Others struct {
	Device    string   `json:"a,omitempty"`
	Email     string   `json:"m,omitempty"`
	Externals []string `json:"x,omitempty"`
	Previous  string   `json:"p,omitempty"` // an alias's earlier id, as a user's
	Earlier   string   `json:"d,omitempty"` // the same, as a device's
	Claim     string   `json:"c,omitempty"` // as a user's
}

// hide returns the event as its record holds it, without the others. An address
// and numbers that a server vouched for go from the context that they were read
// from as well; what a customer says in an identify stays theirs.
func hide(e event.Event) (event.Event, Others) {
	var o Others
	own := e.Node()
	swap := func(text *string, kind person.Kind) (hash string) {
		id := person.NodeID{Kind: kind, Value: *text}
		if id.IsZero() || id == own {
			return ""
		}
		*text = ""
		return id.Hash()
	}
	if e.Email != "" || len(e.ExternalIDs) > 0 {
		e.Context = e.Unvouched()
	}
	o.Earlier = person.NodeID{Kind: person.AnonymousID, Value: e.PreviousID}.Hash()
	if o.Previous = swap(&e.PreviousID, person.UserID); o.Previous == "" {
		o.Earlier = ""
	}
	o.Claim = swap(&e.Claim, person.UserID)
	o.Device = swap(&e.AnonymousID, person.AnonymousID)
	o.Email = swap(&e.Email, person.Email)
	var externals []string
	for _, id := range e.ExternalIDs {
		if hash := swap(&id, person.External); hash != "" {
			o.Externals = append(o.Externals, hash)
		} else {
			externals = append(externals, id)
		}
	}
	e.ExternalIDs = externals
	return e, o
}

// directory names identities by their hashes, as far as somebody has them.
type directory struct {
	store *Store
	names map[string]string // the value, "" for nobody's
}

// names returns a directory that knows the person's own identities, which most
// records name.
func (s *Store) names(p *person.Person) directory {
	d := directory{s, map[string]string{}}
	d.learn(p)
	return d
}

func (d directory) learn(p *person.Person) {
	for _, n := range p.Nodes {
		d.names[n.ID.Hash()] = n.ID.Value
	}
}

// name returns the identity, "" when nobody has it, or whoever had it was erased.
func (d directory) name(ctx context.Context, hash string) (string, error) {
	if _, known := d.names[hash]; !known {
		d.names[hash] = ""
		p, err := d.store.find(ctx, hash)
		if err != nil {
			return "", err
		}
		if p != nil {
			d.learn(p)
		}
	}
	return d.names[hash], nil
}

// show names again in the record's event whom it named, as far as they are known.
func (d directory) show(ctx context.Context, r *Record) (err error) {
	e, o := &r.Event, r.Others
	for _, one := range []struct {
		text *string
		hash string
	}{
		{&e.AnonymousID, o.Device}, {&e.Email, o.Email}, {&e.PreviousID, o.Previous}, {&e.PreviousID, o.Earlier}, {&e.Claim, o.Claim},
	} {
		if one.hash == "" || *one.text != "" {
			continue
		}
		if *one.text, err = d.name(ctx, one.hash); err != nil {
			return err
		}
	}
	for _, hash := range o.Externals {
		id, err := d.name(ctx, hash)
		if err != nil {
			return err
		}
		if id != "" {
			e.ExternalIDs = append(e.ExternalIDs, id)
		}
	}
	slices.Sort(e.ExternalIDs)
	return nil
}
