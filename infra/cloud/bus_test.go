package cloud_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"rapport/infra/cloud"
)

const station = `
Resources:
  Bus:
    Type: AWS::Events::EventBus
    Properties: { Name: !Sub "${AWS::StackName}-bus" }
  Inbox: { Type: AWS::SQS::Queue }
  Lost: { Type: AWS::SQS::Queue }
  FromOthers:
    Type: AWS::Events::Rule
    Properties:
      EventBusName: !Ref Bus
      EventPattern: { source: [{ anything-but: rapport }] }
      Targets: [{ Id: inbox, Arn: !GetAtt Inbox.Arn, DeadLetterConfig: { Arn: !GetAtt Lost.Arn } }]
  Elsewhere:
    Type: AWS::Events::Rule
    Properties:
      EventPattern: { source: [{ prefix: "" }] }
      Targets: [{ Id: inbox, Arn: !GetAtt Inbox.Arn }]
  SpeakerFunction:
    Type: AWS::Serverless::Function
    Properties:
      Environment: { Variables: { BUS_NAME: !Ref Bus } }
      Events:
        In: { Type: HttpApi, Properties: { Path: /in, Method: POST } }
  ListenerFunction:
    Type: AWS::Serverless::Function
    Properties:
      EventInvokeConfig:
        MaximumRetryAttempts: 1
        DestinationConfig: { OnFailure: { Type: SQS, Destination: !GetAtt Lost.Arn } }
      Events:
        Inbox: { Type: SQS, Properties: { Queue: !GetAtt Inbox.Arn } }
        Cases:
          Type: EventBridgeRule
          Properties:
            EventBusName: !Ref Bus
            Pattern: { detail-type: [Case Opened], detail: { severity: [{ numeric: [">=", 3] }] } }
`

// speaker publishes the event in a request's body.
func speaker(env cloud.Env) (lambda.Handler, error) {
	bus, err := env.Bus("BUS_NAME")
	if err != nil {
		return nil, err
	}
	return lambda.NewHandler(func(ctx context.Context, ev struct{ Body string }) (map[string]any, error) {
		var entry cloud.BusEntry
		if err := json.Unmarshal([]byte(ev.Body), &entry); err != nil {
			return nil, err
		}
		return map[string]any{"statusCode": 202}, bus.Put(ctx, entry)
	}), nil
}

// listener notes what arrives: by queue or directly.
type listener struct {
	mu    sync.Mutex
	heard []string
	fail  bool
}

func (l *listener) handle(_ context.Context, payload json.RawMessage) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var batch events.SQSEvent
	_ = json.Unmarshal(payload, &batch)
	for _, m := range batch.Records {
		l.note("queue", []byte(m.Body))
	}
	if len(batch.Records) == 0 {
		l.note("direct", payload)
		if l.fail {
			return fmt.Errorf("not now")
		}
	}
	return nil
}

func (l *listener) note(road string, event []byte) {
	var ev events.EventBridgeEvent
	_ = json.Unmarshal(event, &ev)
	l.heard = append(l.heard, fmt.Sprintf("%s: %s %s %s", road, ev.Source, ev.DetailType, ev.Detail))
}

func (l *listener) taken() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.heard
	l.heard = nil
	return out
}

func TestRulesLeadToTheirTargets(t *testing.T) {
	l := &listener{}
	s := play(t, t.TempDir(), station, map[string]cloud.Builder{"SpeakerFunction": speaker, "ListenerFunction": handler(l.handle)})
	for _, c := range []struct {
		event string
		want  []string
	}{
		{`{"Source":"shop","DetailType":"Order","Detail":{"id":1}}`, []string{`queue: shop Order {"id":1}`}},
		{`{"Source":"rapport","DetailType":"Audience Entered","Detail":{}}`, nil},
		{`{"Source":"rapport","DetailType":"Case Opened","Detail":{"severity":3}}`, []string{`direct: rapport Case Opened {"severity":3}`}},
		{`{"Source":"rapport","DetailType":"Case Opened","Detail":{"severity":2}}`, nil},
	} {
		if r := s.ask(post("/in", c.event)); r.StatusCode != 202 {
			t.Fatalf("%s: %d", c.event, r.StatusCode)
		}
		s.settle()
		if diff := cmp.Diff(c.want, l.taken()); diff != "" {
			t.Errorf("%s: %s", c.event, diff)
		}
	}
	var recent []events.EventBridgeEvent
	s.read("/local/bus", &recent)
	if len(recent) != 4 || recent[3].Source != "shop" || recent[0].ID == "" || !recent[0].Time.Equal(begin) {
		t.Errorf("the bus remembers %+v", recent)
	}
	// What the rule sends to the queue, its receipt and its deletion; asynchronous
	// invocations go through no queue of ours.
	b := s.bill()
	heard, said := b.Functions["ListenerFunction"], b.Functions["SpeakerFunction"]
	if heard.QueueRequests != 3 || said.BusEvents != 4 || !near(said.GBSeconds, 4*0.015/8) {
		t.Errorf("the listener %+v, the speaker %+v", heard, said)
	}
}

func TestADetailThatIsNoObjectIsRefused(t *testing.T) {
	s := play(t, t.TempDir(), station, map[string]cloud.Builder{"SpeakerFunction": speaker, "ListenerFunction": handler((&listener{}).handle)})
	if r := s.ask(post("/in", `{"Source":"shop","DetailType":"Order","Detail":[1]}`)); r.StatusCode != 500 {
		t.Errorf("status is %d", r.StatusCode)
	}
}

func TestTheBusRemembersTwoHundred(t *testing.T) {
	s := play(t, t.TempDir(), station, map[string]cloud.Builder{"SpeakerFunction": speaker, "ListenerFunction": handler((&listener{}).handle)})
	for i := range 205 {
		s.ask(post("/in", fmt.Sprintf(`{"Source":"rapport","DetailType":"x","Detail":{"n":%d}}`, i)))
	}
	var recent []events.EventBridgeEvent
	s.read("/local/bus", &recent)
	if len(recent) != 200 || string(recent[0].Detail) != `{"n":204}` || string(recent[199].Detail) != `{"n":5}` {
		t.Errorf("%d, from %s to %s", len(recent), recent[len(recent)-1].Detail, recent[0].Detail)
	}
}

func TestAnAsynchronousInvocationIsTriedAgainThenParked(t *testing.T) {
	l := &listener{fail: true}
	s := play(t, t.TempDir(), station, map[string]cloud.Builder{"SpeakerFunction": speaker, "ListenerFunction": handler(l.handle)})
	s.ask(post("/in", `{"Source":"rapport","DetailType":"Case Opened","Detail":{"severity":5}}`))
	s.pass(time.Hour)
	if got := l.taken(); len(got) != 2 {
		t.Errorf("heard %q", got)
	}
	dead := s.queue("ListenerFunction-asynchronous").Dead
	if len(dead) != 1 || dead[0].Reason != "not now" || !strings.Contains(dead[0].Body, "Case Opened") {
		t.Errorf("dead letters are %+v", dead)
	}
}

func TestPatterns(t *testing.T) {
	const event = `{"source":"shop.eu","empty":[],"detail":{"total":12.5,"items":["tea","pot"],"paid":true,"note":null,
		"lines":[{"sku":"a","n":1},{"sku":"b","n":2}],"text":"12"}}`
	for _, c := range []struct {
		pattern string
		want    bool
	}{
		{`{"source":["shop.eu"]}`, true},
		{`{"source":["shop.us","shop.eu"]}`, true},
		{`{"source":["Shop.eu"]}`, false},
		{`{"source":[{"prefix":"shop."}]}`, true},
		{`{"source":[{"prefix":"hop"}]}`, false},
		{`{"source":[{"suffix":".eu"}]}`, true},
		{`{"source":[{"suffix":".us"}]}`, false},
		{`{"source":[{"anything-but":"rapport"}]}`, true},
		{`{"source":[{"anything-but":"shop.eu"}]}`, false},
		{`{"source":[{"anything-but":["rapport","shop.eu"]}]}`, false},
		{`{"source":[{"anything-but":{"prefix":"shop"}}]}`, false},
		{`{"source":[{"anything-but":{"suffix":".us"}}]}`, true},
		{`{"missing":[{"anything-but":"x"}]}`, false},
		{`{"missing":[{"exists":false}]}`, true},
		{`{"missing":[{"exists":true}]}`, false},
		{`{"source":[{"exists":true}]}`, true},
		{`{"source":[{"exists":false}]}`, false},
		{`{"empty":[{"exists":false}]}`, true},
		{`{"detail":[{"exists":true}]}`, false},
		{`{"detail":{"deep":{"er":[{"exists":false}]}}}`, true},
		{`{"detail":{"note":[{"exists":true}]}}`, true},
		{`{"detail":{"note":[null]}}`, true},
		{`{"detail":{"paid":[true]}}`, true},
		{`{"detail":{"paid":["true"]}}`, false},
		{`{"detail":{"total":[12.5]}}`, true},
		{`{"detail":{"text":[12]}}`, false},
		{`{"detail":{"total":[{"numeric":[">",12,"<=",12.5]}]}}`, true},
		{`{"detail":{"total":[{"numeric":["<",12.5]}]}}`, false},
		{`{"detail":{"total":[{"numeric":["=",12.5]}]}}`, true},
		{`{"detail":{"total":[{"numeric":[">=",12.6]}]}}`, false},
		{`{"detail":{"text":[{"numeric":[">",0]}]}}`, false},
		{`{"detail":{"items":["pot"]}}`, true},
		{`{"detail":{"items":["cup"]}}`, false},
		{`{"detail":{"lines":{"sku":["b"]}}}`, true},
		{`{"detail":{"lines":{"sku":["c"]}}}`, false},
		{`{"source":["shop.eu"],"detail":{"paid":[false]}}`, false},
		{`{"source":[{"prefix":"x"},"shop.eu"]}`, true},
	} {
		t.Run(c.pattern, func(t *testing.T) {
			var source any
			if err := json.Unmarshal([]byte(c.pattern), &source); err != nil {
				t.Fatal(err)
			}
			got, err := cloud.Match(source, event)
			if err != nil || got != c.want {
				t.Errorf("%v, %v, want %v", got, err, c.want)
			}
		})
	}
}

func TestPatternsThatAreNotUnderstood(t *testing.T) {
	for _, text := range []string{
		`{}`, `[]`, `{"source":"x"}`, `{"source":[]}`, `{"source":[["x"]]}`, `{"source":[{"prefix":1}]}`,
		`{"source":[{"wildcard":"a*"}]}`, `{"source":[{"cidr":"10.0.0.0/8"}]}`, `{"source":[{"exists":"yes"}]}`,
		`{"source":[{"numeric":[]}]}`, `{"source":[{"numeric":[">"]}]}`, `{"source":[{"numeric":["~",1]}]}`,
		`{"source":[{"numeric":[">","1"]}]}`, `{"source":[{"prefix":"a","suffix":"b"}]}`, `{"source":[{"anything-but":[]}]}`,
	} {
		var source any
		if err := json.Unmarshal([]byte(text), &source); err != nil {
			t.Fatal(err)
		}
		if _, err := cloud.Match(source, `{}`); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
}
