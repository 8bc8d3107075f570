package event

import (
	"errors"
	"slices"

	"rapport/shared/fault"
	"rapport/shared/person"
	"rapport/shared/wire"
)

// Verdicts of the edge. The event is kept without what they name.
const (
	BlockedID     = "blocked_id"     // a junk id; also the code of an event that has no other id
	ReservedTrait = "reserved_trait" // a trait that only Rapport computes
)

// remark adds a verdict once.
func (e *Event) remark(verdict string) {
	if !slices.Contains(e.Verdicts, verdict) {
		e.Verdicts = append(e.Verdicts, verdict)
	}
}

// identifier reads an id. A junk one reads as absent.
func identifier(e *Event, o wire.Object, name string) (id string, f *fault.Error) {
	id, f = text(o, name)
	switch {
	case f != nil || id == "":
		return "", f
	case !person.Clean(id):
		return "", fault.New(fault.Invalid, "bad_id",
			"use an id of at most %d bytes without control or direction characters", person.MaxValueBytes).In(name)
	case person.Junk(id):
		e.remark(BlockedID)
		return "", nil
	}
	return id, nil
}

// identity reads whose event it is. A user id from a browser without a proof
// becomes a claim.
func (d *decoder) identity(e *Event, p parts) (f *fault.Error) {
	user, f := identifier(e, p.top, "userId")
	if f != nil {
		return f
	}
	if e.AnonymousID, f = d.browserID(e, p.top, "anonymousId"); f != nil {
		return f
	}
	switch e.Type {
	case Alias:
		if previous, _ := text(p.top, "previousId"); previous != user {
			e.PreviousID, f = identifier(e, p.top, "previousId")
		}
	case Group:
		e.GroupID, f = identifier(e, p.top, "groupId")
	}
	if f != nil {
		return f
	}
	switch {
	case user == "":
	case d.sender.Trusted:
		e.UserID = user
	case p.proof != nil:
		if f := d.prove(p.proof, user); f != nil {
			return f
		}
		e.UserID = user
	default:
		e.Claim = user
	}
	return e.belongs()
}

// browserID reads an id that a browser made for itself.
func (d *decoder) browserID(e *Event, o wire.Object, name string) (string, *fault.Error) {
	id, f := identifier(e, o, name)
	if f == nil && id != "" && person.Guessable(id) && !d.sender.Trusted {
		return "", fault.New(fault.Invalid, "short_id",
			"use a random id of at least %d characters, or a secret key", person.MinSecretBytes).In(name)
	}
	return id, f
}

// belongs makes sure that there is a node for the event to count in.
func (e *Event) belongs() *fault.Error {
	switch {
	case e.UserID != "" || e.AnonymousID != "" || e.Email != "" || len(e.ExternalIDs) > 0:
		return nil
	case e.Claim != "":
		return fault.New(fault.Unauthenticated, "proof_required",
			"send an anonymousId, or a proof of the user id in context.proof").In("userId")
	case len(e.Verdicts) > 0:
		return fault.New(fault.Invalid, BlockedID, "this id stands for nobody; send a real userId or anonymousId").In("userId")
	default:
		return fault.New(fault.Invalid, "no_user_anon_id", "send a userId or an anonymousId").In("userId")
	}
}

// proven is what a proof was found to prove.
type proven struct {
	user  string
	fault *fault.Error
}

// prove judges a proof of the user id. A batch repeats one proof, which is
// verified once.
func (d *decoder) prove(proof any, user string) *fault.Error {
	token, ok := proof.(string)
	if !ok {
		return badProof(nil)
	}
	p, known := d.proofs[token]
	if !known {
		p = d.verify(token)
		d.proofs[token] = p
	}
	if p.fault == nil && p.user != user {
		return fault.New(fault.Forbidden, "proof_mismatch", "send the proof of this user, not of another one").In("context.proof")
	}
	return p.fault
}

func (d *decoder) verify(token string) proven {
	if d.sender.ProvenUser == nil {
		return proven{fault: badProof(nil)}
	}
	user, err := d.sender.ProvenUser(token)
	if err == nil {
		return proven{user: user}
	}
	var f *fault.Error
	if !errors.As(err, &f) {
		return proven{fault: badProof(err)}
	}
	return proven{fault: fault.New(f.Kind, f.Code, "%s", f.Message).In("context.proof").Because(err)}
}

func badProof(cause error) *fault.Error {
	return fault.New(fault.Unauthenticated, "bad_proof", "send a current proof of the user id").In("context.proof").Because(cause)
}
