package table

import (
	"context"
	"iter"
)

// All yields every item of the range in order, page after page. Range.Limit is
// the size of a page here, and the loop ends after the first error.
func All(ctx context.Context, t Table, partition string, r Range) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for {
			page, err := t.Query(ctx, partition, r)
			if err != nil {
				yield(Item{}, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			r.After = page.Next
		}
	}
}
