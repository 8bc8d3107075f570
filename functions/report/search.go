package report

import (
	"context"
	"net/http"
	"strings"

	"rapport/shared/person"
)

// searchPage is the page that asks for a person; also the one that says that
// nobody was found.
type searchPage struct {
	Asked  string
	Nobody bool
}

func nobody(asked string) sheet {
	return sheet{
		frame: framed("Nobody here", search, personStyle), name: "people.html", status: http.StatusNotFound,
		body: searchPage{Asked: clipped(asked), Nobody: true},
	}
}

// search shows the page that asks, or leads to who was found.
func (f *function) search(w http.ResponseWriter, r *http.Request) {
	asked := strings.TrimSpace(r.URL.Query().Get("node"))
	found, err := f.seek(r.Context(), asked)
	if err == nil && !found.IsZero() {
		http.Redirect(w, r, personLink(found.String()), http.StatusSeeOther)
		return
	}
	f.show(w, r, func(*http.Request) (sheet, error) {
		switch {
		case err != nil:
			return sheet{}, err
		case asked != "":
			return nobody(asked), nil
		}
		return sheet{frame: framed("People", search, personStyle), name: "people.html", body: searchPage{}}, nil
	})
}

// seek finds an identity that somebody has: the one that the text names, else
// the text as the value of each kind, in the order in which they are mostly
// looked for. It is zero when nobody has any.
func (f *function) seek(ctx context.Context, text string) (person.NodeID, error) {
	var tries []person.NodeID
	if id, err := person.ParseNode(text); err == nil {
		tries = append(tries, id)
	}
	if text != "" {
		for _, kind := range []person.Kind{person.UserID, person.AnonymousID, person.Email, person.External} {
			tries = append(tries, person.NodeID{Kind: kind, Value: text})
		}
	}
	for _, id := range tries {
		p, err := f.People.Find(ctx, id)
		if err != nil {
			return person.NodeID{}, err
		}
		if p != nil {
			return id, nil
		}
	}
	return person.NodeID{}, nil
}
