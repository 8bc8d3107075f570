package dynamo

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"rapport/shared/table"
)

// maxAdded is to how many counters one update adds: an expression may have 300
// operators, and each counter takes a few.
const maxAdded = 50

// writer turns the writes of a commit into DynamoDB's.
type writer struct {
	table *string
	owner string
	now   int64
}

// form is how an add is written. DynamoDB cannot add to a counter and drop what
// has expired in one write, so it depends on the item that is there.
type form uint8

const (
	update  form = iota // add to what is there
	create              // put, when nothing is there
	rewrite             // put the sum, when what is there is what we saw
)

// formOf chooses the form by what an earlier attempt has seen, or else by what
// is likely: that an item is there. A sum needs to see it first.
func (w writer) formOf(wr table.Write, seen *sight) form {
	wide := len(wr.Counters) > maxAdded
	switch {
	case wr.If.Absent:
		return create
	case seen == nil && wide:
		return create
	case seen == nil:
		return update
	case wr.If.Version == 0 && !seen.item.live(w.now):
		return create
	case wide:
		return rewrite
	}
	return update
}

// sight is what an attempt found under a key; item is nil when nothing was there.
type sight struct{ item *stored }

// write returns the write as part of a transaction.
func (w writer) write(wr table.Write, seen *sight) types.TransactWriteItem {
	e := newExpression(w.now, w.owner)
	switch wr.Op {
	case table.OpPut:
		return w.put(e, wr)
	case table.OpAdd:
		return w.add(e, wr, seen)
	case table.OpDelete:
		return w.delete(e, wr)
	}
	return w.check(e, wr)
}

func (w writer) put(e *expression, wr table.Write) types.TransactWriteItem {
	if wr.If.Absent {
		return w.putItem(e, e.absent(wr.If), w.fresh(wr, 1))
	}
	condition := all(append(e.asked(wr.If), e.notExpired(), e.foreign())...)
	return w.putItem(e, condition, w.fresh(wr, wr.If.Version+1))
}

// fresh returns the item that a write makes where there is none, or that takes
// the place of the version before.
func (w writer) fresh(wr table.Write, version int64) *stored {
	return &stored{
		Item:  table.Item{Key: wr.Key, Version: version, Expires: wr.Expires, Counters: wr.Counters, Body: wr.Body},
		owner: w.owner,
	}
}

func (w writer) putItem(e *expression, condition string, item *stored) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{
		TableName: w.table, Item: item.encode(), ConditionExpression: &condition,
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.arguments(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

func (w writer) add(e *expression, wr table.Write, seen *sight) types.TransactWriteItem {
	switch w.formOf(wr, seen) {
	case create:
		return w.putItem(e, e.absent(wr.If), w.fresh(wr, 1))
	case rewrite:
		// Every commit has an owner of its own, so that version and owner name
		// one state of the item, even when it was deleted and made anew.
		same := all(e.equal(versionAttr, number(seen.item.Version)), e.equal(ownerAttr, text(seen.item.owner)), e.notExpired())
		return w.putItem(e, same, w.sum(wr, seen.item))
	}
	conditions := append(e.asked(wr.If), e.notExpired(), e.foreign())
	if !wr.Expires.IsZero() {
		conditions = append(conditions, e.exists()) // only what creates the item sets its expiry
	}
	adds := []string{e.name(versionAttr) + " " + e.value(number(1))}
	for _, counter := range slices.Sorted(maps.Keys(wr.Counters)) {
		n := wr.Counters[counter]
		adds = append(adds, e.name(counterPrefix+counter)+" "+e.value(number(n)))
		if n != 0 {
			conditions = append(conditions, e.fits(counter, n))
		}
	}
	change := "ADD " + strings.Join(adds, ", ") + " SET " + e.equal(ownerAttr, text(w.owner))
	return types.TransactWriteItem{Update: &types.Update{
		TableName: w.table, Key: encodeKey(wr.Key), UpdateExpression: &change, ConditionExpression: aws.String(all(conditions...)),
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.arguments(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// sum returns what an add makes of an item.
func (w writer) sum(wr table.Write, old *stored) *stored {
	out := &stored{Item: old.Item, owner: w.owner}
	out.Version++
	out.Counters = make(map[string]int64, len(old.Counters)+len(wr.Counters))
	maps.Copy(out.Counters, old.Counters)
	for name, n := range wr.Counters {
		out.Counters[name] += n
	}
	return out
}

// delete succeeds on what is gone already, whatever it asks.
func (w writer) delete(e *expression, wr table.Write) types.TransactWriteItem {
	condition := e.dead()
	if !wr.If.Absent {
		// AND binds closer than OR, and DynamoDB refuses brackets that change nothing.
		condition += " OR " + all(append(e.asked(wr.If), e.foreign())...)
	}
	return types.TransactWriteItem{Delete: &types.Delete{
		TableName: w.table, Key: encodeKey(wr.Key), ConditionExpression: &condition,
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.arguments(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

func (w writer) check(e *expression, wr table.Write) types.TransactWriteItem {
	var condition string
	switch {
	case wr.If.Absent:
		condition = e.absent(wr.If)
	case wr.If.Version > 0 || wr.If.Below <= 0: // what is not there fails both
		condition = all(append(e.asked(wr.If), e.notExpired())...)
	default:
		condition = e.dead() + " OR " + e.below(wr.If.Counter, wr.If.Below)
	}
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: w.table, Key: encodeKey(wr.Key), ConditionExpression: &condition,
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.arguments(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}
