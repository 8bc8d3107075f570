// Package dynamo keeps the table (shared/table) in DynamoDB. A commit of one
// write is one conditional write, one of several is a transaction.
//
// Every write carries the owner of its commit and a condition that refuses an
// item which shows that owner already. So a commit whose reply was lost finds
// its own success when it is sent again. What DynamoDB asks to send again is
// sent again here, with growing waits and within a bound.
//
// An item that has expired is absent to everyone, whether or not DynamoDB has
// got round to removing it.
package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"rapport/shared/table"
)

// Table is a table of DynamoDB with the string keys pk and sk. It is safe for
// concurrent use.
type Table struct {
	api   calls
	name  *string
	clock func() time.Time
	sleep func(context.Context, time.Duration) error
}

var _ table.Table = (*Table)(nil)

// Option changes how a Table works.
type Option func(*Table)

// WithSleep waits between attempts by sleep, which must return an error when
// the context ends first. Without it the wait takes real time.
func WithSleep(sleep func(context.Context, time.Duration) error) Option {
	return func(t *Table) { t.sleep = sleep }
}

// New returns the table with that name. Clock says what counts as expired.
func New(client *dynamodb.Client, tableName string, clock func() time.Time, options ...Option) *Table {
	t := &Table{api: callsOf(client), name: aws.String(tableName), clock: clock, sleep: sleep}
	for _, option := range options {
		option(t)
	}
	return t
}

// now is the time in the unit of an item's expiry.
func (t *Table) now() int64 { return t.clock().Unix() }
