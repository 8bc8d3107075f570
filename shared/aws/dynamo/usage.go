package dynamo

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"rapport/shared/table"
)

// units returns what DynamoDB says a request consumed.
func units(c *types.ConsumedCapacity) float64 {
	if c == nil {
		return 0
	}
	return aws.ToFloat64(c.CapacityUnits)
}

// charge adds what a refused attempt consumed. DynamoDB bills it by the larger
// of the item that is there and the one that was to be, but does not say so.
func (c *commit) charge(answers []answer) {
	each := 1
	switch {
	case answers == nil:
		return // it was not refused
	case len(c.writes) > 1:
		each = 2 // a transaction prepares and commits every item
	case c.writes[0].Op == table.OpCheck:
		return // a read, which was counted
	}
	for i, w := range c.writes {
		size := max(w.Bytes(), answers[i].item.bytes())
		c.usage.Writes += float64(each * max(1, (size+1<<10-1)/(1<<10)))
	}
}
