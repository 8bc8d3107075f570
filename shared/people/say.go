package people

import (
	"context"

	"rapport/shared/fault"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// Statement is what a person says for itself.
type Statement struct {
	Consent     map[string]person.Consent // by person.ConsentKey
	Preferences map[string]person.Trait   // by field
}

// Say commits what a person says, all of it or nothing, under one of its
// identities, and returns the person as it then is. A later word that is known
// already stays. An identity that was never met is met by this: who refuses to be
// observed must be known for that. Memberships that follow are announced with the
// person's next event, as nothing is published from here.
//
// Errors: kind NotFound for an identity that was erased; kind Invalid,
// too_many_fields, when the person would have too many preferences.
func (s *Store) Say(ctx context.Context, strat *strategy.Strategy, id person.NodeID, said Statement) (*person.Person, error) {
	for range maxAttempts {
		u := s.begin(ctx, strat)
		p, err := u.listener(id)
		if err != nil {
			return nil, err
		}
		before := customFields(p)
		if !said.tell(p.Node(id)) {
			return p, nil
		}
		if after := customFields(p); after > person.MaxCustom && after > before {
			return nil, fault.New(fault.Invalid, "too_many_fields", "keep to %d custom fields for a person; set others to null first", person.MaxCustom).In("custom")
		}
		u.dirty[p.Root] = true
		writes, err := u.writes()
		if err != nil {
			return nil, err
		}
		if err = s.table.Commit(ctx, s.owner(), writes...); table.AsConflict(err) == nil {
			return p, err
		}
	}
	return nil, errContended
}

func customFields(p *person.Person) (count int) {
	for field := range p.Preferences() {
		if _, custom := person.CustomField(field); custom {
			count++
		}
	}
	return count
}

// listener is the person that has the identity, a new one for an identity that
// was never met.
func (u *unit) listener(id person.NodeID) (*person.Person, error) {
	if err := u.read(id.Hash()); err != nil {
		return nil, err
	}
	if _, erased := u.grave(id.Hash()); erased {
		return nil, fault.New(fault.NotFound, "no_person", "this person was erased; nothing is stored for the identity").In("node")
	}
	p, err := u.person(id)
	if err != nil {
		return nil, err
	}
	p.Node(id).Named = true
	return p, nil
}

// tell records the statement, and reports whether it changed anything.
func (said Statement) tell(n *person.Node) (changed bool) {
	for key, c := range said.Consent {
		changed = n.Agree(key, c) || changed
	}
	for field, choice := range said.Preferences {
		changed = n.Prefer(field, choice) || changed
	}
	return changed
}
