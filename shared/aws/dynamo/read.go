package dynamo

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"rapport/shared/table"
)

// Get implements table.Table, with strong consistency.
func (t *Table) Get(ctx context.Context, keys ...table.Key) ([]*table.Item, error) {
	if err := table.ValidateKeys(keys); err != nil {
		return nil, err
	}
	g := &getter{Table: t, patience: t.patience(), usage: table.Usage{Call: "Get", Items: len(keys)}, found: map[table.Key]*stored{}}
	err := g.run(ctx, keys)
	table.Spend(ctx, g.usage)
	if err != nil {
		return nil, failure(err)
	}
	now := t.now()
	items := make([]*table.Item, len(keys))
	for i, key := range keys {
		if s := g.found[key]; s.live(now) {
			item := s.Item
			items[i] = &item
		}
	}
	return items, nil
}

// getter is one call of Get.
type getter struct {
	*Table
	patience *patience
	usage    table.Usage
	found    map[table.Key]*stored
}

func (g *getter) run(ctx context.Context, keys []table.Key) error {
	switch len(keys) {
	case 0:
		return nil
	case 1:
		item, reads, err := g.getItem(ctx, g.patience, keys[0])
		g.usage.Reads += reads
		g.found[keys[0]] = item
		return err
	}
	asked := map[table.Key]bool{}
	var wanted []attributes // DynamoDB refuses a key that is named twice
	for _, key := range keys {
		if !asked[key] {
			asked[key] = true
			wanted = append(wanted, encodeKey(key))
		}
	}
	return g.batch(ctx, wanted)
}

// getItem reads one item, and says how many units that took.
func (t *Table) getItem(ctx context.Context, p *patience, key table.Key) (item *stored, reads float64, err error) {
	var out *dynamodb.GetItemOutput
	err = p.send(ctx, func() error {
		out, err = t.api.getItem(ctx, &dynamodb.GetItemInput{
			TableName: t.name, Key: encodeKey(key), ConsistentRead: aws.Bool(true),
			ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		})
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	item, err = decode(out.Item)
	return item, units(out.ConsumedCapacity), err
}

// errUnprocessed is why a batch is asked for again.
var errUnprocessed = errors.New("DynamoDB processed none of the keys")

// batch reads items until DynamoDB has processed every key. It leaves keys for
// the next request when an answer is full, and when it is short of capacity:
// only then is there reason to wait.
func (g *getter) batch(ctx context.Context, wanted []attributes) error {
	for len(wanted) > 0 {
		var out *dynamodb.BatchGetItemOutput
		err := g.patience.send(ctx, func() (err error) {
			out, err = g.api.batchGetItem(ctx, &dynamodb.BatchGetItemInput{
				RequestItems:           map[string]types.KeysAndAttributes{*g.name: {Keys: wanted, ConsistentRead: aws.Bool(true)}},
				ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
			})
			return err
		})
		if err != nil {
			return err
		}
		for _, consumed := range out.ConsumedCapacity {
			g.usage.Reads += units(&consumed)
		}
		for _, in := range out.Responses[*g.name] {
			s, err := decode(in)
			if err != nil {
				return err
			}
			g.found[s.Key] = s
		}
		left := out.UnprocessedKeys[*g.name].Keys
		if len(left) == len(wanted) {
			if err := g.patience.wait(ctx, errUnprocessed); err != nil {
				return err
			}
		}
		wanted = left
	}
	return nil
}
