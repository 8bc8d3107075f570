package table_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"rapport/shared/table"
)

// book answers queries with its pages, the empty ones too, and fails after them.
type book struct {
	table.Table
	pages [][]string
	err   error
	asked []table.Range
}

func (b *book) Query(_ context.Context, _ string, r table.Range) (table.Page, error) {
	n := len(b.asked)
	b.asked = append(b.asked, r)
	if n == len(b.pages) {
		return table.Page{}, b.err
	}
	var p table.Page
	for _, sort := range b.pages[n] {
		p.Items = append(p.Items, table.Item{Key: table.Key{Partition: "p", Sort: sort}})
	}
	if n+1 < len(b.pages) || b.err != nil {
		p.Next = fmt.Sprint("page-", n+1)
	}
	return p, nil
}

func TestAllReadsEveryPage(t *testing.T) {
	b := &book{pages: [][]string{{"a", "b"}, {}, {"c"}, {}}}
	var got []string
	for item, err := range table.All(t.Context(), b, "p", table.Range{From: "a", Limit: 2, Descending: true}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, item.Key.Sort)
	}
	if !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("items %q", got)
	}
	for i, r := range b.asked {
		want := table.Range{From: "a", Limit: 2, Descending: true}
		if i > 0 {
			want.After = fmt.Sprint("page-", i)
		}
		if r != want {
			t.Errorf("query %d is %+v, want %+v", i, r, want)
		}
	}
}

func TestAllStopsWhenTheLoopDoes(t *testing.T) {
	b := &book{pages: [][]string{{"a", "b"}, {"c"}}}
	for _, err := range table.All(t.Context(), b, "p", table.Range{}) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	if len(b.asked) != 1 {
		t.Errorf("%d queries for one item", len(b.asked))
	}
}

func TestAllEndsWithTheFirstError(t *testing.T) {
	broken := errors.New("broken")
	b := &book{pages: [][]string{{"a"}}, err: broken}
	var errs []error
	for _, err := range table.All(t.Context(), b, "p", table.Range{}) {
		errs = append(errs, err)
	}
	if !slices.Equal(errs, []error{nil, broken}) {
		t.Errorf("errors %v", errs)
	}
}
