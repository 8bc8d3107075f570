package people

import (
	"context"
	"slices"
	"time"

	"rapport/shared/audience"
	"rapport/shared/fault"
	"rapport/shared/message"
	"rapport/shared/person"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// Bounds of one page of members: of what is read for it, so that it is there in
// time, and of what it holds, so that it fits into the answer of a Lambda.
const (
	memberScans = 16   // pages of the table
	memberItems = 1000 // items in each
	memberPage  = 500  // members from which on it is full
)

// Asked is whose membership a caller asks for.
type Asked struct {
	Audience string // id
	Purpose  string // id of what members must have agreed to; "" for all of them
}

// Members is one page of the people that are in an audience. A page may be empty
// and not be the last.
type Members struct {
	People   []Member
	Withheld int    // members who did not agree to the purpose over any of its channels
	Next     string // pass it as after to read on; "" on the last page
}

// Member is somebody in an audience, with no more than it takes to know them
// elsewhere.
type Member struct {
	ID          string // of the view
	UserID      string // the first of several; "" without
	AnonymousID string // only without a user id
	Email       string // where mail of the purpose may go; "" without a purpose, too
}

// Members returns a page of the people that are in the audience at this moment:
// each is evaluated anew, whatever was announced. It reads the whole table, page
// by page, of which people are a part. Somebody who is merged meanwhile may be
// there twice or not at all, under the ids of before or after.
//
// Errors: kind NotFound, no_audience; Invalid, unknown_purpose or bad_cursor.
func (s *Store) Members(ctx context.Context, strat *strategy.Strategy, asked Asked, after string) (Members, error) {
	search, err := newSearch(strat, asked, s.now())
	if err != nil {
		return Members{}, err
	}
	out := Members{Next: after}
	for range memberScans {
		page, err := s.table.Scan(ctx, table.Segment{Limit: memberItems, After: out.Next})
		if err != nil {
			return Members{}, err
		}
		for i := range page.Items {
			if err := search.take(&out, &page.Items[i]); err != nil {
				return Members{}, err
			}
		}
		if out.Next = page.Next; out.Next == "" || len(out.People) >= memberPage {
			break
		}
	}
	return out, s.unsuppressed(ctx, out.People)
}

// search looks for members among the items of the table.
type search struct {
	strategy *strategy.Strategy
	audience int
	purpose  *message.Purpose // nil: nobody is asked
	now      time.Time
	facts    audience.Facts
}

func newSearch(strat *strategy.Strategy, asked Asked, now time.Time) (*search, error) {
	index, ok := strat.AudienceIndex(asked.Audience)
	if !ok {
		return nil, fault.New(fault.NotFound, "no_audience", "ask for an audience that the published strategy has").In("id")
	}
	f := &search{strategy: strat, audience: index, now: now}
	if asked.Purpose == "" {
		return f, nil
	}
	i := slices.IndexFunc(strat.Purposes, func(p message.Purpose) bool { return p.ID == asked.Purpose })
	if i < 0 {
		return nil, fault.New(fault.Invalid, "unknown_purpose", "name a purpose of the strategy").In("purpose")
	}
	f.purpose = &strat.Purposes[i]
	return f, nil
}

// take adds the person of an item, if that is what it is and if it is a member.
func (f *search) take(out *Members, item *table.Item) error {
	hash, ok := table.ParsePersonKey(item.Key)
	if !ok {
		return nil
	}
	if _, points := person.DecodePointer(item.Body); points {
		return nil
	}
	if _, erased := person.DecodeTombstone(item.Body); erased {
		return nil
	}
	p, err := decode(hash, item)
	if err != nil {
		return err
	}
	v := p.View(f.strategy.Declared, f.now)
	f.strategy.Rules.Fill(&f.facts, v, nil, f.now)
	if matched, err := f.strategy.Rules.Match(f.audience, &f.facts); !matched || err != nil {
		return nil // a rule that cannot be decided has not matched
	}
	listed, mail := f.agreed(p)
	if !listed {
		out.Withheld++
		return nil
	}
	m := memberOf(v)
	if mail {
		m.Email = p.Address()
	}
	out.People = append(out.People, m)
	return nil
}

// agreed reports whether the purpose may reach the person at all, over any of its
// channels, and whether it may by mail, as send would judge that.
func (f *search) agreed(p *person.Person) (listed, mail bool) {
	if f.purpose == nil {
		return true, false
	}
	said := p.Consents()
	mail = f.purpose.Refuses(said, message.Email, f.now) == "" && message.TakesMail(p.Preferences()[person.Channels].Value)
	writes := false
	for _, channel := range message.Channels() {
		if f.purpose.Writes(channel) {
			writes = true
			listed = listed || f.purpose.Refuses(said, channel, f.now) == ""
		}
	}
	if !writes { // it is about something else than messages
		listed = f.purpose.Refuses(said, "", f.now) == ""
	}
	return listed, listed && mail
}

func memberOf(v *person.View) Member {
	m := Member{ID: v.ID}
	for _, id := range v.Nodes {
		switch {
		case id.Kind == person.UserID && m.UserID == "":
			m.UserID, m.AnonymousID = id.Value, ""
		case id.Kind == person.AnonymousID && m.UserID == "" && m.AnonymousID == "":
			m.AnonymousID = id.Value
		}
	}
	return m
}

// unsuppressed takes out the addresses that must get no mail.
func (s *Store) unsuppressed(ctx context.Context, members []Member) error {
	addresses := map[string]bool{}
	for _, m := range members {
		if m.Email != "" {
			addresses[message.AddressHash(m.Email)] = false
		}
	}
	if err := s.suppressed(ctx, addresses); err != nil {
		return err
	}
	for i := range members {
		if addresses[message.AddressHash(members[i].Email)] {
			members[i].Email = ""
		}
	}
	return nil
}
