package strategy

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"rapport/shared/fault"
	"rapport/shared/journey"
	"rapport/shared/message"
	"rapport/shared/person"
)

// maxRetired is how many earlier versions of one journey are kept for those who
// are still on them.
const maxRetired = 20

// SealJourney returns the journey with its version: the first 12 hexadecimal
// digits of the SHA-256 of its canonical JSON without one.
func SealJourney(j journey.Journey) (journey.Journey, error) {
	j.Version = ""
	body, err := json.Marshal(j)
	if err != nil {
		return j, fault.New(fault.Internal, "encode_journey", "the journey %s could not be encoded", j.ID).Because(err)
	}
	sum := sha256.Sum256(body)
	j.Version = hex.EncodeToString(sum[:6])
	return j, nil
}

// connect makes sure that every id of journeys and messages leads somewhere.
func (s *Strategy) connect() error {
	for _, t := range s.Messages {
		if _, ok := s.Purpose(t.Purpose); !ok && t.Purpose != "" {
			return unknown("messages."+t.ID+".purpose", "purpose", t.Purpose)
		}
	}
	for _, j := range s.Journeys {
		for _, step := range j.Steps {
			if _, ok := s.Message(step.Send); !ok {
				return unknown("journeys."+j.ID+".steps", "message", step.Send)
			}
		}
	}
	return nil
}

// Message returns the mail with that id.
func (s *Strategy) Message(id string) (message.Template, bool) {
	return lookUp(s.Messages, func(t message.Template) bool { return t.ID == id })
}

// Purpose returns the purpose with that id.
func (s *Strategy) Purpose(id string) (message.Purpose, bool) {
	return lookUp(s.Purposes, func(p message.Purpose) bool { return p.ID == id })
}

// Allows reports whether somebody who said this lets their data be used so. What
// no purpose covers is not asked about.
func (s *Strategy) Allows(use message.Use, said map[string]person.Consent, now time.Time) bool {
	return !slices.ContainsFunc(s.Purposes, func(p message.Purpose) bool {
		return p.Uses(use) && p.Refuses(said, "", now) != ""
	})
}

// Journey returns the current version of the journey with that id.
func (s *Strategy) Journey(id string) (journey.Journey, bool) {
	return lookUp(s.Journeys, func(j journey.Journey) bool { return j.ID == id })
}

// JourneyVersion returns one version of a journey, the current or an earlier
// one. Only some earlier versions are kept.
func (s *Strategy) JourneyVersion(id, version string) (journey.Journey, bool) {
	is := func(j journey.Journey) bool { return j.ID == id && j.Version == version }
	if j, ok := lookUp(s.Journeys, is); ok {
		return j, true
	}
	return lookUp(s.Retired, is)
}

// lookUp searches; a strategy has few mails and journeys.
func lookUp[T any](list []T, is func(T) bool) (found T, ok bool) {
	if i := slices.IndexFunc(list, is); i >= 0 {
		return list[i], true
	}
	return found, false
}

// retire returns the document with the versions of its journeys that people may
// still be on: those that the previous document had, by id, newest first. A
// journey that is removed ends, and so do its earlier versions.
func (d Document) retire(previous Document) Document {
	var earlier []journey.Journey
	for _, list := range [][]journey.Journey{previous.Journeys, previous.Retired} {
		earlier = append(earlier, list...)
	}
	d.Retired = nil
	kept := map[string]int{}
	for _, old := range earlier {
		now, ok := lookUp(d.Journeys, func(j journey.Journey) bool { return j.ID == old.ID })
		if ok && now.Version != old.Version && kept[old.ID] < maxRetired {
			kept[old.ID]++
			d.Retired = append(d.Retired, old)
		}
	}
	slices.SortStableFunc(d.Retired, func(a, b journey.Journey) int { return cmp.Compare(a.ID, b.ID) })
	return d
}
