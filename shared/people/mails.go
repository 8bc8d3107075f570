package people

import (
	"context"

	"rapport/shared/message"
	"rapport/shared/person"
)

// Mails returns the ledgers of all messages to a person, the latest move first.
func (s *Store) Mails(ctx context.Context, p *person.Person) ([]*message.Ledger, error) {
	hashes := make([]string, len(p.Nodes))
	for i, n := range p.Nodes {
		hashes[i] = n.ID.Hash()
	}
	return message.Book{Table: s.table}.Of(ctx, hashes...)
}
