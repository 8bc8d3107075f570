package dynamo

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"rapport/shared/fault"
	"rapport/shared/table"
)

// An item has these attributes. Counters are attributes of their own, because
// DynamoDB adds to a nested number only when the map around it exists.
const (
	partitionAttr = "pk"
	sortAttr      = "sk"
	versionAttr   = "v"
	ownerAttr     = "o"       // of the commit that wrote it last
	expiresAttr   = "expires" // unix seconds, for DynamoDB's sweeper too; absent: never
	bodyAttr      = "b"       // absent: empty
	counterPrefix = "c_"
)

type attributes = map[string]types.AttributeValue

// stored is an item as the table holds it, expired or not. A nil one is absent.
type stored struct {
	table.Item
	owner string
}

// live reports whether the item is there for readers and conditions at now: in
// its last second an item is gone.
func (s *stored) live(now int64) bool {
	return s != nil && (s.Expires.IsZero() || s.Expires.Unix() > now)
}

// bytes returns the size of the item, 0 when there is none.
func (s *stored) bytes() int {
	if s == nil {
		return 0
	}
	return s.Bytes()
}

// counter returns a counter of the item, 0 when there is none.
func (s *stored) counter(name string) int64 {
	if s == nil {
		return 0
	}
	return s.Counters[name]
}

// encode returns the attributes that make the item.
func (s *stored) encode() attributes {
	out := encodeKey(s.Key)
	out[versionAttr] = number(s.Version)
	out[ownerAttr] = text(s.owner)
	if !s.Expires.IsZero() {
		out[expiresAttr] = number(s.Expires.Unix())
	}
	if len(s.Body) > 0 {
		out[bodyAttr] = &types.AttributeValueMemberB{Value: s.Body}
	}
	for name, n := range s.Counters {
		out[counterPrefix+name] = number(n)
	}
	return out
}

// decode is the inverse of encode. No attributes at all are an absent item. It
// fails with kind Internal on what encode does not make.
func decode(in attributes) (*stored, error) {
	if len(in) == 0 {
		return nil, nil
	}
	r := reader{in: in}
	s := &stored{
		Item: table.Item{
			Key:     table.Key{Partition: r.text(partitionAttr), Sort: r.text(sortAttr)},
			Version: r.number(versionAttr),
		},
		owner: r.text(ownerAttr),
	}
	if _, expires := in[expiresAttr]; expires {
		s.Expires = time.Unix(r.number(expiresAttr), 0).UTC()
	}
	if body, ok := in[bodyAttr].(*types.AttributeValueMemberB); ok {
		s.Body = body.Value
	}
	for attr := range in {
		if name, ok := strings.CutPrefix(attr, counterPrefix); ok {
			if s.Counters == nil {
				s.Counters = map[string]int64{}
			}
			s.Counters[name] = r.number(attr)
		}
	}
	if r.broken {
		return nil, fault.New(fault.Internal, "item_unreadable",
			"the table holds an item that this version cannot read: use the version that wrote it, or restore the item")
	}
	return s, nil
}

// reader takes attributes of the kind that encode gives them. It is broken
// after the first one that is of another kind or missing.
type reader struct {
	in     attributes
	broken bool
}

func (r *reader) text(attr string) string {
	v, ok := r.in[attr].(*types.AttributeValueMemberS)
	if !ok {
		r.broken = true
		return ""
	}
	return v.Value
}

func (r *reader) number(attr string) int64 {
	v, ok := r.in[attr].(*types.AttributeValueMemberN)
	if !ok {
		r.broken = true
		return 0
	}
	n, err := strconv.ParseInt(v.Value, 10, 64)
	r.broken = r.broken || err != nil
	return n
}

func encodeKey(key table.Key) attributes {
	return attributes{partitionAttr: text(key.Partition), sortAttr: text(key.Sort)}
}

// decodeKey reads a key that DynamoDB made of encodeKey's attributes.
func decodeKey(in attributes) table.Key {
	r := reader{in: in}
	return table.Key{Partition: r.text(partitionAttr), Sort: r.text(sortAttr)}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// overflows reports whether a counter would leave the range of 64 bits.
func overflows(counter, added int64) bool {
	return added > 0 && counter > math.MaxInt64-added || added < 0 && counter < math.MinInt64-added
}
