package hear

import (
	"context"
	"encoding/json"
	"time"

	"rapport/shared/fault"
	"rapport/shared/message"
	"rapport/shared/table"
)

// suppression is why an address must not be written to any more. It is kept for
// ever, under a hash: an address that was erased stays suppressed.
type suppression struct {
	Kind message.Fact `json:"kind"` // bounced or complained
	At   time.Time    `json:"at"`
}

// earlier makes one of several reasons the one that is kept, whichever comes
// first.
func (s suppression) earlier(o suppression) bool {
	if !s.At.Equal(o.At) {
		return s.At.Before(o.At)
	}
	return s.Kind < o.Kind
}

const suppressAttempts = 8

func (f *Function) suppress(ctx context.Context, address string, s suppression) error {
	key := table.SuppressionKey(message.AddressHash(address))
	body, err := json.Marshal(s)
	if err != nil {
		return fault.New(fault.Internal, "encode_suppression", "a suppression could not be encoded").Because(err)
	}
	for range suppressAttempts {
		items, err := f.Table.Get(ctx, key)
		if err != nil {
			return err
		}
		cond := table.Absent()
		if item := items[0]; item != nil {
			var have suppression
			if json.Unmarshal(item.Body, &have) == nil && !s.earlier(have) {
				return nil
			}
			cond = table.VersionIs(item.Version)
		}
		err = f.Table.Commit(ctx, f.Owner(), table.Put(key, body, time.Time{}, cond))
		if table.AsConflict(err) == nil {
			return err
		}
	}
	return fault.New(fault.Unavailable, "contended", "the suppression changes too often at this moment; try again")
}
