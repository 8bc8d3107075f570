package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// calls are those of DynamoDB's calls that are used. Held as that and not as the
// client, they let the linker leave the other calls out, which reflection might
// reach otherwise.
type calls struct {
	getItem            call[dynamodb.GetItemInput, dynamodb.GetItemOutput]
	batchGetItem       call[dynamodb.BatchGetItemInput, dynamodb.BatchGetItemOutput]
	query              call[dynamodb.QueryInput, dynamodb.QueryOutput]
	scan               call[dynamodb.ScanInput, dynamodb.ScanOutput]
	putItem            call[dynamodb.PutItemInput, dynamodb.PutItemOutput]
	updateItem         call[dynamodb.UpdateItemInput, dynamodb.UpdateItemOutput]
	deleteItem         call[dynamodb.DeleteItemInput, dynamodb.DeleteItemOutput]
	transactWriteItems call[dynamodb.TransactWriteItemsInput, dynamodb.TransactWriteItemsOutput]
}

// call is a method of the client.
type call[In, Out any] func(context.Context, *In, ...func(*dynamodb.Options)) (*Out, error)

func callsOf(c *dynamodb.Client) calls {
	return calls{
		getItem: c.GetItem, batchGetItem: c.BatchGetItem, query: c.Query, scan: c.Scan,
		putItem: c.PutItem, updateItem: c.UpdateItem, deleteItem: c.DeleteItem, transactWriteItems: c.TransactWriteItems,
	}
}
