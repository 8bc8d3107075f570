package prefer

import (
	"net/http"
	"strings"

	"rapport/shared/fault"
	"rapport/shared/link"
	"rapport/shared/strategy"
)

// What a mailbox provider posts when its reader presses the button beside the
// sender's name. Our own page posts the same.
const (
	oneClickField = "List-Unsubscribe"
	oneClickValue = "One-Click"
)

// confirm shows the button that unsubscribes. It reads no person: whether the
// link is for somebody who is still known does not show.
func (f *function) confirm(w http.ResponseWriter, r *http.Request) {
	l, err := f.Links.Verify(link.Unsubscribe, token(r))
	if err != nil {
		f.fail(w, r, err)
		return
	}
	s, err := f.Strategy.Current(r.Context())
	if err != nil {
		f.fail(w, r, err)
		return
	}
	name := purposeName(s, l.Purpose)
	f.show200(w, r, page{
		Brand: brand(s), Title: "Stop these emails?",
		Text:   "Press the button and we stop writing to you about " + name + ". Nothing changes until you do.",
		Button: "Unsubscribe", Manage: f.manage(l),
	})
}

// unsubscribe acts at once, and answers when what was said is stored.
func (f *function) unsubscribe(w http.ResponseWriter, r *http.Request) {
	s, l, err := f.withdraw(r)
	if err != nil {
		f.fail(w, r, err)
		return
	}
	f.show200(w, r, page{
		Brand: brand(s), Title: "You are unsubscribed",
		Text:   "From now on we do not write to you about " + purposeName(s, l.Purpose) + ". A mail that is on its way already may still arrive.",
		Manage: f.manage(l), Done: true,
	})
}

func (f *function) withdraw(r *http.Request) (*strategy.Strategy, link.Link, error) {
	l, err := f.Links.Verify(link.Unsubscribe, token(r))
	if err != nil {
		return nil, l, err
	}
	fields, err := form(r)
	if err != nil {
		return nil, l, err
	}
	if !strings.EqualFold(fields.Get(oneClickField), oneClickValue) {
		return nil, l, fault.New(fault.Malformed, "not_one_click",
			"send %s=%s as the body: a request without it may be a scanner's", oneClickField, oneClickValue).In(oneClickField)
	}
	s, err := f.Strategy.Current(r.Context())
	if err != nil {
		return nil, l, err
	}
	p, node, err := f.holder(r.Context(), l)
	if err != nil || p == nil {
		return s, l, err
	}
	_, err = f.store(r.Context(), s, p, node, wish{words: map[string]bool{l.Purpose: false}}, byLink(l))
	return s, l, unlessGone(err)
}

// unlessGone forgives that the person was erased in between: nobody is left who
// could be written to.
func unlessGone(err error) error {
	if fault.KindOf(err) == fault.NotFound {
		return nil
	}
	return err
}

// manage is the link from the page of one purpose to that of all.
func (f *function) manage(l link.Link) string {
	l.Kind = link.Preferences
	return "preferences?t=" + f.Links.Sign(l)
}
