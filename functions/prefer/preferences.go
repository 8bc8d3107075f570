package prefer

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"rapport/shared/httpapi"
	"rapport/shared/link"
	"rapport/shared/person"
	"rapport/shared/strategy"
)

// show tells what the person said and chose: on a page to who has a link, in JSON
// to programs.
func (f *function) show(w http.ResponseWriter, r *http.Request) {
	if token(r) == "" {
		f.showByKey(w, r)
		return
	}
	s, p, err := f.showByLink(r)
	switch {
	case !strings.Contains(r.Header.Get("Accept"), "application/json") && err == nil:
		f.show200(w, r, f.choices(s, p, false))
	case !strings.Contains(r.Header.Get("Accept"), "application/json"):
		f.fail(w, r, err)
	case err != nil:
		httpapi.Error(w, err)
	default:
		httpapi.Encode(w, http.StatusOK, describe(s, p, nil, f.Now()))
	}
}

func (f *function) showByLink(r *http.Request) (*strategy.Strategy, *person.Person, error) {
	l, err := f.Links.Verify(link.Preferences, token(r))
	if err != nil {
		return nil, nil, err
	}
	s, err := f.Strategy.Current(r.Context())
	if err != nil {
		return nil, nil, err
	}
	p, _, err := f.holder(r.Context(), l)
	return s, p, err
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
	s, p, err := f.changeByLink(r, l, func(s *strategy.Strategy, p *person.Person) (wish, error) {
		words := map[string]bool{}
		for _, purpose := range s.Purposes {
			ticked := slices.Contains(fields["purpose"], purpose.ID)
			if slices.Contains(fields["shown"], purpose.ID) && ticked != wanted(p, purpose, f.Now()) {
				words[purpose.ID] = ticked
			}
		}
		chosen := map[string]json.RawMessage{}
		return wish{words: words, fields: chosen}, filled(fields, s, p).choose(chosen)
	})
	if err != nil {
		f.fail(w, r, err)
		return
	}
	f.show200(w, r, f.choices(s, p, p != nil))
}

func (f *function) changeByProgram(w http.ResponseWriter, r *http.Request) {
	var b spoken
	l, err := f.Links.Verify(link.Preferences, token(r))
	if err == nil {
		err = httpapi.Decode(r, &b)
	}
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	heard := wish{words: map[string]bool{}} // of one that was erased nothing is heard
	s, p, err := f.changeByLink(r, l, func(s *strategy.Strategy, _ *person.Person) (wish, error) {
		heard, err = b.read(s)
		f.heed(r, s, &heard)
		return heard, err
	})
	if err != nil {
		httpapi.Error(w, err)
		return
	}
	httpapi.Encode(w, http.StatusOK, describe(s, p, heard.words, f.Now()))
}

// changeByLink stores what read says for the person that the link is for, and
// returns that person as it is then. Nothing is stored for one that was erased.
func (f *function) changeByLink(r *http.Request, l link.Link,
	read func(*strategy.Strategy, *person.Person) (wish, error),
) (*strategy.Strategy, *person.Person, error) {
	s, err := f.Strategy.Current(r.Context())
	if err != nil {
		return nil, nil, err
	}
	p, node, err := f.holder(r.Context(), l)
	if err != nil || p == nil {
		return s, nil, err
	}
	heard, err := read(s, p)
	if err != nil {
		return s, p, err
	}
	p, err = f.store(r.Context(), s, p, node, heard, byLink(l))
	return s, p, unlessGone(err)
}
