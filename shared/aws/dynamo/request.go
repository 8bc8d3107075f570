package dynamo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// single sends the only write of a commit.
func (c *commit) single(ctx context.Context, w types.TransactWriteItem) ([]answer, error) {
	err := c.patience.send(ctx, func() error {
		consumed, err := c.sendSingle(ctx, w)
		c.usage.Writes += units(consumed)
		return err
	})
	var unheld *types.ConditionalCheckFailedException
	var conflict *types.TransactionConflictException
	switch {
	case errors.As(err, &unheld):
		item, err := decode(unheld.Item)
		return []answer{{unmet, item}}, err
	case errors.As(err, &conflict):
		return []answer{{outcome: busy}}, nil
	}
	return nil, err
}

func (c *commit) sendSingle(ctx context.Context, w types.TransactWriteItem) (*types.ConsumedCapacity, error) {
	switch {
	case w.Put != nil:
		out, err := c.api.putItem(ctx, &dynamodb.PutItemInput{
			TableName: w.Put.TableName, Item: w.Put.Item, ConditionExpression: w.Put.ConditionExpression,
			ExpressionAttributeNames: w.Put.ExpressionAttributeNames, ExpressionAttributeValues: w.Put.ExpressionAttributeValues,
			ReturnConsumedCapacity:              types.ReturnConsumedCapacityTotal,
			ReturnValuesOnConditionCheckFailure: w.Put.ReturnValuesOnConditionCheckFailure,
		})
		if err != nil {
			return nil, err
		}
		return out.ConsumedCapacity, nil
	case w.Update != nil:
		out, err := c.api.updateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: w.Update.TableName, Key: w.Update.Key,
			UpdateExpression: w.Update.UpdateExpression, ConditionExpression: w.Update.ConditionExpression,
			ExpressionAttributeNames: w.Update.ExpressionAttributeNames, ExpressionAttributeValues: w.Update.ExpressionAttributeValues,
			ReturnConsumedCapacity:              types.ReturnConsumedCapacityTotal,
			ReturnValuesOnConditionCheckFailure: w.Update.ReturnValuesOnConditionCheckFailure,
		})
		if err != nil {
			return nil, err
		}
		return out.ConsumedCapacity, nil
	}
	out, err := c.api.deleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: w.Delete.TableName, Key: w.Delete.Key, ConditionExpression: w.Delete.ConditionExpression,
		ExpressionAttributeNames: w.Delete.ExpressionAttributeNames, ExpressionAttributeValues: w.Delete.ExpressionAttributeValues,
		ReturnConsumedCapacity:              types.ReturnConsumedCapacityTotal,
		ReturnValuesOnConditionCheckFailure: w.Delete.ReturnValuesOnConditionCheckFailure,
	})
	if err != nil {
		return nil, err
	}
	return out.ConsumedCapacity, nil
}

// transact sends the writes of a commit as one transaction.
func (c *commit) transact(ctx context.Context, w writer) ([]answer, error) {
	in := &dynamodb.TransactWriteItemsInput{
		// The same for every attempt of this request, and for nothing else: it
		// makes DynamoDB apply the request once. It is not made from the owner,
		// because it would then speak for the items as they were ten minutes ago.
		ClientRequestToken:     aws.String(rand.Text()),
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}
	for i, write := range c.writes {
		in.TransactItems = append(in.TransactItems, w.write(write, c.seen[i]))
	}
	err := c.patience.send(ctx, func() error {
		out, err := c.api.transactWriteItems(ctx, in)
		if err != nil {
			return err
		}
		for _, consumed := range out.ConsumedCapacity {
			c.usage.Writes += units(&consumed)
		}
		return nil
	})
	var stopped *types.TransactionCanceledException
	if errors.As(err, &stopped) && len(stopped.CancellationReasons) == len(c.writes) {
		return readAnswers(stopped)
	}
	return nil, err
}

// readAnswers returns what a cancelled transaction says about each write.
func readAnswers(stopped *types.TransactionCanceledException) ([]answer, error) {
	answers := make([]answer, len(stopped.CancellationReasons))
	for i, reason := range stopped.CancellationReasons {
		a := &answers[i]
		switch code := aws.ToString(reason.Code); code {
		case "None", "":
		case "ConditionalCheckFailed":
			a.outcome = unmet
			var err error
			if a.item, err = decode(reason.Item); err != nil {
				return nil, err
			}
		case "TransactionConflict":
			a.outcome = busy
		case "ProvisionedThroughputExceeded", "ThrottlingError":
			a.outcome = slow
		default:
			return nil, fmt.Errorf("write %d: %s: %s: %w", i, code, aws.ToString(reason.Message), stopped)
		}
	}
	return answers, nil
}
