package dynamo

import (
	"context"
	"encoding/base64"
	"encoding/binary"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"rapport/shared/fault"
	"rapport/shared/table"
)

// Query implements table.Table. Expired items count towards the limit, so a
// page may have fewer items than that, or none, and still not be the last.
func (t *Table) Query(ctx context.Context, partition string, r table.Range) (table.Page, error) {
	if err := table.ValidateRange(partition, r); err != nil {
		return table.Page{}, err
	}
	if nothingIn(r) {
		return table.Page{}, nil
	}
	e := newExpression(0, "")
	in := &dynamodb.QueryInput{
		TableName: t.name, ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		KeyConditionExpression: aws.String(e.within(partition, r)), ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
		ScanIndexForward: aws.Bool(!r.Descending), Limit: limit(r.Limit),
	}
	if startsInside(r) {
		in.ExclusiveStartKey = encodeKey(table.Key{Partition: partition, Sort: r.After})
	}
	var out *dynamodb.QueryOutput
	err := t.patience().send(ctx, func() (err error) {
		out, err = t.api.query(ctx, in)
		return err
	})
	if err != nil {
		return table.Page{}, failure(err)
	}
	page, err := t.page(ctx, "Query", out.Items, out.ConsumedCapacity)
	if err == nil && len(out.LastEvaluatedKey) > 0 {
		page.Next = decodeKey(out.LastEvaluatedKey).Sort
	}
	return page, err
}

// within selects a range of a partition.
func (e *expression) within(partition string, r table.Range) string {
	condition := e.equal(partitionAttr, text(partition))
	switch {
	case r.From != "" && r.To != "":
		condition += " AND " + e.name(sortAttr) + " BETWEEN " + e.value(text(r.From)) + " AND " + e.value(text(r.To))
	case r.From != "":
		condition += " AND " + e.name(sortAttr) + " >= " + e.value(text(r.From))
	case r.To != "":
		condition += " AND " + e.name(sortAttr) + " <= " + e.value(text(r.To))
	}
	return condition
}

// nothingIn reports whether nothing can lie in the range, or in what is left of
// it after the page before. DynamoDB would call that an error.
func nothingIn(r table.Range) bool {
	switch {
	case r.To != "" && r.From > r.To:
		return true
	case r.After == "":
		return false
	case r.Descending:
		return r.After <= r.From
	}
	return r.To != "" && r.After >= r.To
}

// startsInside reports whether the page before ended inside of the range. One
// that ended before it, which a caller may have made up, changes nothing.
func startsInside(r table.Range) bool {
	switch {
	case r.After == "":
		return false
	case r.Descending:
		return r.To == "" || r.After <= r.To
	}
	return r.After >= r.From
}

// Scan implements table.Table, with strong consistency. As in Query, a page may
// have fewer items than the limit and not be the last.
func (t *Table) Scan(ctx context.Context, s table.Segment) (table.Page, error) {
	if err := table.ValidateSegment(s); err != nil {
		return table.Page{}, err
	}
	in := &dynamodb.ScanInput{
		TableName: t.name, ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		Limit: limit(s.Limit),
	}
	if s.Of > 0 {
		in.Segment, in.TotalSegments = aws.Int32(int32(s.Index)), aws.Int32(int32(s.Of))
	}
	if s.After != "" {
		key, ok := parseCursor(s.After)
		if !ok {
			return table.Page{}, fault.New(fault.Invalid, "bad_cursor", "read on with the cursor of the page before")
		}
		in.ExclusiveStartKey = encodeKey(key)
	}
	var out *dynamodb.ScanOutput
	err := t.patience().send(ctx, func() (err error) {
		out, err = t.api.scan(ctx, in)
		return err
	})
	if err != nil {
		return table.Page{}, failure(err)
	}
	page, err := t.page(ctx, "Scan", out.Items, out.ConsumedCapacity)
	if err == nil && len(out.LastEvaluatedKey) > 0 {
		page.Next = cursor(decodeKey(out.LastEvaluatedKey))
	}
	return page, err
}

// page returns what is live of an answer and reports what it consumed.
func (t *Table) page(ctx context.Context, call string, items []attributes, consumed *types.ConsumedCapacity) (table.Page, error) {
	var page table.Page
	now := t.now()
	for _, in := range items {
		s, err := decode(in)
		if err != nil {
			return table.Page{}, err
		}
		if s.live(now) {
			page.Items = append(page.Items, s.Item)
		}
	}
	table.Spend(ctx, table.Usage{Call: call, Items: len(page.Items), Reads: units(consumed)})
	return page, nil
}

// limit is nil for as many items as fit. A page holds less than a million.
func limit(n int) *int32 {
	if n == 0 {
		return nil
	}
	return aws.Int32(int32(min(n, 1<<20)))
}

// cursor writes a key as text: the length of the partition, then both parts.
func cursor(key table.Key) string {
	b := binary.AppendUvarint(nil, uint64(len(key.Partition)))
	return base64.RawURLEncoding.EncodeToString(append(append(b, key.Partition...), key.Sort...))
}

func parseCursor(cursor string) (table.Key, bool) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	length, n := binary.Uvarint(b)
	if err != nil || n <= 0 || length >= uint64(len(b)-n) {
		return table.Key{}, false
	}
	b = b[n:]
	return table.Key{Partition: string(b[:length]), Sort: string(b[length:])}, true
}
