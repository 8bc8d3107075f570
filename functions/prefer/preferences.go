package prefer

import (
	"net/http"
	"slices"

	"rapport/shared/access"
	"rapport/shared/fault"
	"rapport/shared/httpapi"
	"rapport/shared/link"
	"rapport/shared/message"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// answer is the JSON that a change is answered with.
type answer struct {
	Purposes map[string]bool `json:"purposes"` // those that were stated, as they now hold
}

// show lists the purposes and what the person said to each.
func (f *function) show(w http.ResponseWriter, r *http.Request) {
	l, err := f.Links.Verify(link.Preferences, token(r))
	if err != nil {
		f.fail(w, r, err)
		return
	}
	s, err := f.Strategy.Current(r.Context())
	if err != nil {
		f.fail(w, r, err)
		return
	}
	p, _, err := f.holder(r.Context(), l)
	if err != nil {
		f.fail(w, r, err)
		return
	}
	f.show200(w, r, choices(s, p, false))
}

// change takes what a person says, by a link or through a site.
func (f *function) change(w http.ResponseWriter, r *http.Request) {
	switch {
	case token(r) == "":
		f.changeByKey(w, r)
	case isJSON(r):
		f.changeByProgram(w, r)
	default:
		f.changeByForm(w, r)
	}
}

// changeByForm stores what differs from what the page showed. A box that was
// ticked from the start and left so says nothing: it must not become a consent.
func (f *function) changeByForm(w http.ResponseWriter, r *http.Request) {
	l, err := f.Links.Verify(link.Preferences, token(r))
	if err != nil {
		f.fail(w, r, err)
		return
	}
	fields, err := form(r)
	if err != nil {
		f.fail(w, r, err)
		return
	}
	s, p, err := f.changeByLink(r, l, func(s *strategy.Strategy, p *person.Person) (map[string]bool, error) {
		wish := map[string]bool{}
		for _, purpose := range s.Purposes {
			ticked := slices.Contains(fields["purpose"], purpose.ID)
			if slices.Contains(fields["shown"], purpose.ID) && ticked != wanted(p, purpose) {
				wish[purpose.ID] = ticked
			}
		}
		return wish, nil
	})
	if err != nil {
		f.fail(w, r, err)
		return
	}
	f.show200(w, r, choices(s, p, p != nil))
}

func (f *function) changeByProgram(w http.ResponseWriter, r *http.Request) {
	var b struct {
		Purposes map[string]*bool `json:"purposes"`
	}
	l, err := f.Links.Verify(link.Preferences, token(r))
	if err == nil {
		err = httpapi.Decode(r, &b)
	}
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	said := answer{Purposes: map[string]bool{}}
	_, _, err = f.changeByLink(r, l, func(s *strategy.Strategy, _ *person.Person) (map[string]bool, error) {
		wish, err := f.stated(r, s, b.Purposes)
		said.Purposes = wish
		return wish, err
	})
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	httpapi.Encode(w, http.StatusOK, said)
}

// changeByLink stores what read says for the person that the link is for, and
// returns that person as it is then. Nothing is stored for one that was erased.
func (f *function) changeByLink(r *http.Request, l link.Link,
	read func(*strategy.Strategy, *person.Person) (map[string]bool, error),
) (*strategy.Strategy, *person.Person, error) {
	s, err := f.Strategy.Current(r.Context())
	if err != nil {
		return nil, nil, err
	}
	p, node, err := f.holder(r.Context(), l)
	if err != nil || p == nil {
		return s, nil, err
	}
	wish, err := read(s, p)
	if err != nil {
		return s, p, err
	}
	if err := unlessGone(f.store(r.Context(), s, p, statement{node: node, wish: wish, proof: byLink(l)})); err != nil {
		return s, p, err
	}
	p, _, err = f.holder(r.Context(), l)
	return s, p, err
}

// changeByKey takes what a site says for its visitor. With a write key that is
// the browser's own id, or a user with a proof; anybody else is refused.
func (f *function) changeByKey(w http.ResponseWriter, r *http.Request) {
	said, err := f.stateByKey(r)
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	httpapi.Encode(w, http.StatusOK, answer{Purposes: said})
}

// body is what a site sends.
type body struct {
	AnonymousID string           `json:"anonymousId"`
	UserID      string           `json:"userId"`
	Proof       string           `json:"proof"`
	Purposes    map[string]*bool `json:"purposes"`
}

func (f *function) stateByKey(r *http.Request) (map[string]bool, error) {
	caller, err := httpapi.Caller(r, f.Keys)
	if err != nil {
		return nil, err
	}
	var b body
	if err := httpapi.Decode(r, &b); err != nil {
		return nil, err
	}
	node, err := f.speaker(b, caller == access.Secret)
	if err != nil {
		return nil, err
	}
	s, err := f.Strategy.Current(r.Context())
	if err != nil {
		return nil, err
	}
	wish, err := f.stated(r, s, b.Purposes)
	if err != nil {
		return nil, err
	}
	p, err := f.People.Holder(r.Context(), node.Hash())
	if err != nil {
		return nil, err
	}
	proof := "write key"
	if caller == access.Secret {
		proof = "secret key"
	}
	return wish, f.store(r.Context(), s, p, statement{node: node, wish: wish, proof: proof})
}

// speaker is the identity that the caller may speak for.
func (f *function) speaker(b body, trusted bool) (person.NodeID, error) {
	user := person.NodeID{Kind: person.UserID, Value: b.UserID}
	if b.Proof != "" {
		proven, err := f.Proofs.Verify(b.Proof, f.Now())
		if err != nil {
			return user, err
		}
		if b.UserID != "" && b.UserID != proven {
			return user, fault.New(fault.Forbidden, "proof_mismatch", "send the proof of this user, not of another one").In("proof")
		}
		user.Value = proven
	} else if b.UserID != "" && !trusted {
		return user, fault.New(fault.Forbidden, "proof_required", "send a proof of the user id, or speak for the anonymousId only").In("userId")
	}
	if user.Value != "" {
		return user, nil
	}
	if b.AnonymousID == "" {
		return user, fault.New(fault.Invalid, "no_user_anon_id", "send an anonymousId, or a userId with its proof").In("anonymousId")
	}
	if person.Guessable(b.AnonymousID) && !trusted {
		return user, fault.New(fault.Invalid, "short_id", "use a random id of at least %d characters, or a secret key", person.MinSecretBytes).In("anonymousId")
	}
	return person.NodeID{Kind: person.AnonymousID, Value: b.AnonymousID}, nil
}

// stated checks what is said against the purposes that there are.
func (f *function) stated(r *http.Request, s *strategy.Strategy, said map[string]*bool) (map[string]bool, error) {
	if len(said) == 0 {
		return nil, fault.New(fault.Invalid, "no_purposes", `say what changes: {"purposes":{"<purpose>":false}}`).In("purposes")
	}
	wish := map[string]bool{}
	for id, given := range said {
		if _, ok := purposeOf(s, id); !ok {
			return nil, fault.New(fault.Invalid, "unknown_purpose", "name a purpose of the strategy").In("purposes." + id)
		}
		if given == nil {
			return nil, fault.New(fault.Invalid, "bad_value", "say true or false").In("purposes." + id)
		}
		wish[id] = *given
		if *given && optedOut(r, id) {
			wish[id] = false
			f.Log.WarnContext(r.Context(), "a browser that opts out of sale and sharing was made to agree to it; the opt-out stands", "purpose", id)
		}
	}
	return wish, nil
}

// optedOut reports whether the browser itself says no to the purpose: Global
// Privacy Control is an opt-out of sale and sharing, and of nothing else.
func optedOut(r *http.Request, purpose string) bool {
	return r.Header.Get("Sec-GPC") == "1" && (purpose == "sale" || purpose == "sharing")
}

// noFirst lists the purposes, those that are refused first: should the rest
// fail, at least nothing is sent that was not wanted.
func noFirst(wish map[string]bool) []string {
	var no, yes []string
	for id, given := range wish {
		if given {
			yes = append(yes, id)
		} else {
			no = append(no, id)
		}
	}
	slices.Sort(no)
	slices.Sort(yes)
	return append(no, yes...)
}

func purposeOf(s *strategy.Strategy, id string) (message.Purpose, bool) {
	for _, p := range s.Purposes {
		if p.ID == id {
			return p, true
		}
	}
	return message.Purpose{}, false
}

// wanted is what holds for the person: what was said, or else what silence means.
func wanted(p *person.Person, purpose message.Purpose) bool {
	if c, said := p.Consents()[purpose.ID]; said {
		return c.Given
	}
	return purpose.Basis == message.OptOut
}
