package cloud

// Prices in dollars for us-east-1, as published in November 2026. Storage,
// data transfer and the free tier are left out.
type prices struct {
	ReadUnit     float64 `json:"readUnit"`     // DynamoDB on demand, 4 KB strongly consistent
	WriteUnit    float64 `json:"writeUnit"`    // DynamoDB on demand, 1 KB
	HTTPRequest  float64 `json:"httpRequest"`  // HTTP API, up to 512 KB each
	Invocation   float64 `json:"invocation"`   // Lambda
	GBSecond     float64 `json:"gbSecond"`     // Lambda, arm64
	QueueRequest float64 `json:"queueRequest"` // SQS, up to ten messages and 64 KB each
	BusEvent     float64 `json:"busEvent"`     // EventBridge, 64 KB each
	Mail         float64 `json:"mail"`         // SES, to one recipient, without attachments
	LogByte      float64 `json:"logByte"`      // CloudWatch Logs, ingestion
	Trace        float64 `json:"trace"`        // X-Ray, recorded
}

const million = 1e6

var price = prices{
	ReadUnit:     0.125 / million,
	WriteUnit:    0.625 / million,
	HTTPRequest:  1.00 / million,
	Invocation:   0.20 / million,
	GBSecond:     0.0000133334,
	QueueRequest: 0.40 / million,
	BusEvent:     1.00 / million,
	Mail:         0.10 / 1000,
	LogByte:      0.50 / (1 << 30),
	Trace:        5.00 / million,
}

// assumptions stand for what only Lambda itself could measure: for how many
// milliseconds a run is billed. A run takes a fixed time and, one after the
// other, the calls that it makes; calls that a function makes side by side are
// therefore counted too high. They hold for 256 MB, a seventh of a core.
type assumptions struct {
	Run         float64 `json:"run"`         // ms: decoding, our own code, and a hundredth of a cold start of 100 ms
	Read        float64 `json:"read"`        // ms: one call that reads from DynamoDB
	Write       float64 `json:"write"`       // ms: one write
	Transaction float64 `json:"transaction"` // ms: several writes, all or nothing
	Item        float64 `json:"item"`        // ms: decoding or encoding one item
	Send        float64 `json:"send"`        // ms: one request to SQS
	Publish     float64 `json:"publish"`     // ms: one request to EventBridge
	Mail        float64 `json:"mail"`        // ms: one request to SES
	TracedShare float64 `json:"tracedShare"` // of invocations, where the template turns tracing on
}

var assumed = assumptions{Run: 3, Read: 4, Write: 6, Transaction: 12, Item: 1, Send: 8, Publish: 12, Mail: 60, TracedShare: 0.05}

// What one billed request may hold.
const (
	perRequest      = 10        // messages of an SQS request
	requestBytes    = 256 << 10 // of an SQS request
	billedChunk     = 64 << 10  // of SQS and EventBridge
	httpBilledChunk = 512 << 10 // of an HTTP API request
)

// platformLogBytes is about what Lambda itself logs for an invocation in JSON,
// its start and its report, unless the template wants warnings only.
const platformLogBytes = 700

// queueRequests counts the SQS requests that carry bodies.
func queueRequests(bodies []string) int {
	requests, messages, bytes := 0, 0, 0
	end := func() {
		if messages > 0 {
			requests += max(1, (bytes+billedChunk-1)/billedChunk)
		}
		messages, bytes = 0, 0
	}
	for _, body := range bodies {
		if messages == perRequest || bytes+len(body) > requestBytes {
			end()
		}
		messages++
		bytes += len(body)
	}
	end()
	return requests
}
