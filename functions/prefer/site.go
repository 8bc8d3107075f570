package prefer

import (
	"net/http"

	"rapport/shared/access"
	"rapport/shared/fault"
	"rapport/shared/httpapi"
	"rapport/shared/person"
)

// claimant is who a site says that it speaks for.
type claimant struct {
	AnonymousID string `json:"anonymousId"`
	UserID      string `json:"userId"`
	Proof       string `json:"proof"`
	Node        string `json:"node"` // any identity, with a secret key
}

// body is what a site sends.
type body struct {
	claimant
	spoken
}

// changeByKey takes what a site says for its visitor. With a write key that is
// the browser's own id, or a user with a proof; anybody else is refused.
func (f *function) changeByKey(w http.ResponseWriter, r *http.Request) {
	said, err := f.stateByKey(r)
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	httpapi.Encode(w, http.StatusOK, said)
}

func (f *function) stateByKey(r *http.Request) (answer, error) {
	caller, err := httpapi.Caller(r, f.Keys)
	if err != nil {
		return answer{}, err
	}
	var b body
	if err := httpapi.Decode(r, &b); err != nil {
		return answer{}, err
	}
	node, err := f.speaker(b.claimant, caller == access.Secret)
	if err != nil {
		return answer{}, err
	}
	s, err := f.Strategy.Current(r.Context())
	if err != nil {
		return answer{}, err
	}
	heard, err := b.read(s)
	if err != nil {
		return answer{}, err
	}
	if caller != access.Secret {
		f.heed(r, s, &heard)
	}
	p, err := f.People.Holder(r.Context(), node.Hash())
	if err != nil {
		return answer{}, err
	}
	proof := "write key"
	if caller == access.Secret {
		proof = "secret key"
	}
	if p, err = f.store(r.Context(), s, p, node, heard, proof); err != nil {
		return answer{}, err
	}
	return describe(s, p, heard.words, f.Now()), nil
}

// showByKey answers a site with what holds for its visitor. Somebody unknown has
// said nothing.
func (f *function) showByKey(w http.ResponseWriter, r *http.Request) {
	said, err := f.readByKey(r)
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	httpapi.Encode(w, http.StatusOK, said)
}

func (f *function) readByKey(r *http.Request) (answer, error) {
	caller, err := httpapi.Caller(r, f.Keys)
	if err != nil {
		return answer{}, err
	}
	q := r.URL.Query()
	node, err := f.speaker(claimant{
		AnonymousID: q.Get("anonymousId"), UserID: q.Get("userId"), Proof: q.Get("proof"), Node: q.Get("node"),
	}, caller == access.Secret)
	if err != nil {
		return answer{}, err
	}
	s, err := f.Strategy.Current(r.Context())
	if err != nil {
		return answer{}, err
	}
	p, err := f.People.Holder(r.Context(), node.Hash())
	return describe(s, p, nil, f.Now()), err
}

// speaker is the identity that the caller may speak for.
func (f *function) speaker(b claimant, trusted bool) (person.NodeID, error) {
	if b.Node != "" {
		if !trusted {
			return person.NodeID{}, fault.New(fault.Forbidden, "secret_key_required", "name a node with a secret key only; a browser has its anonymousId").In("node")
		}
		return person.ParseNode(b.Node)
	}
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
		return user, possible(user.Value, "userId")
	}
	if b.AnonymousID == "" {
		return user, fault.New(fault.Invalid, "no_user_anon_id", "send an anonymousId, or a userId with its proof").In("anonymousId")
	}
	if person.Guessable(b.AnonymousID) && !trusted {
		return user, fault.New(fault.Invalid, "short_id", "use a random id of at least %d characters, or a secret key", person.MinSecretBytes).In("anonymousId")
	}
	return person.NodeID{Kind: person.AnonymousID, Value: b.AnonymousID}, possible(b.AnonymousID, "anonymousId")
}

// possible refuses what no event could have as an id: a person is not made of it.
func possible(id, field string) error {
	if person.Junk(id) || !person.Clean(id) {
		return fault.New(fault.Invalid, "bad_id", "use an id of at most %d bytes that stands for somebody", person.MaxValueBytes).In(field)
	}
	return nil
}
