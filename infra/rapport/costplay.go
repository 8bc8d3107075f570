package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"rapport/infra/cloud"
	"rapport/shared/fault"
)

// The keys of the cloud that a play runs in.
const (
	playWriteKey  = "play-write"
	playSecretKey = "play-secret"
)

// scenario is something that customers do.
type scenario struct {
	name  string
	about string
	unit  string                                    // what a million of it are called
	each  int                                       // how many of them each customer makes; 0: one in all
	setUp func(s *stage, ctx context.Context) error // not billed to the scenario; may be nil
	act   func(s *stage, ctx context.Context) error
}

// scenarios are played in this order.
var scenarios = []scenario{
	{"decisions", "page views of visitors who came before ask for two slots", "decisions", 10, (*stage).visitors, (*stage).decide},
	{"decisions-merged", "the same for visitors who signed in meanwhile: one read more", "decisions", 10, (*stage).signIns, (*stage).decide},
	{"events-one-by-one", "events of a browser's SDK, 10 of each visitor, a request and a delivery each", "events", 10, nil, (*stage).oneByOne},
	{"events-in-tens", "events of a browser's SDK, 10 of one visitor in each request", "events", 10, nil, (*stage).inTens},
	{"carts", "signed-in customers leave a basket, and get one mail an hour later", "mails", 1, nil, (*stage).carts},
	{"idle-hour", "nobody comes; a timer looks every minute", "hour", 0, nil, (*stage).idle},
}

// played is the result of a play, and what --json prints.
type played struct {
	Scenarios []priced `json:"scenarios"`
	Prices    any      `json:"prices"`
	Assumed   any      `json:"assumed"`
	Note      string   `json:"note"`
}

// priced is what one scenario used.
type priced struct {
	Name              string               `json:"name"`
	About             string               `json:"about"`
	Unit              string               `json:"unit"`
	Count             int                  `json:"count"`
	Dollars           float64              `json:"dollars"`
	DollarsPerMillion float64              `json:"dollarsPerMillion"`
	Functions         map[string]cloud.Use `json:"functions"`
}

// stage is a local cloud that scenarios are played in.
type stage struct {
	cloud  *cloud.Cloud
	client *http.Client
	crowd  int // how many customers play each scenario
	events int // sent so far, which numbers them
}

// playAll plays scenarios one after the other and prices each.
func (s *stage) playAll(ctx context.Context, all []scenario) (played, error) {
	var out played
	for _, one := range all {
		if one.setUp != nil {
			if err := one.setUp(s, ctx); err != nil {
				return out, err
			}
		}
		before, err := readMeter(ctx, s.client, inside)
		if err != nil {
			return out, err
		}
		if err := one.act(s, ctx); err != nil {
			return out, err
		}
		after, err := readMeter(ctx, s.client, inside)
		if err != nil {
			return out, err
		}
		out.Scenarios = append(out.Scenarios, one.price(max(1, one.each*s.crowd), before, after))
		out.Prices, out.Assumed, out.Note = after.Prices, after.Assumed, after.Note
	}
	return out, nil
}

// price is the difference of two readings.
func (one scenario) price(count int, before, after cloud.Statement) priced {
	p := priced{Name: one.name, About: one.about, Unit: one.unit, Count: count, Functions: map[string]cloud.Use{}}
	for id, u := range after.Functions {
		if used := u.Minus(before.Functions[id]); used.Dollars > 0 {
			p.Functions[id] = used
			p.Dollars += used.Dollars
		}
	}
	p.DollarsPerMillion = p.Dollars / float64(p.Count) * 1e6
	return p
}

// visitor is an id as a browser's SDK makes them.
func visitor(group string, n int) string {
	return fmt.Sprintf("%s%04x-0d1e-4f2a-9b3c-4d5e6f708192", group, n)
}

// Groups of visitors, so that no scenario meets another's.
const (
	returning = "aa00"
	browsing  = "bb00"
	hurrying  = "cc00"
	shopping  = "dd00"
)

// visitors come to the shop's pages. Each will turn out to be a customer whom the
// shop's server named a minute before, so that merging leads there.
func (s *stage) visitors(ctx context.Context) error {
	err := s.each(ctx, func(n int) error {
		return s.send(ctx, "identify", playSecretKey, fmt.Sprintf(`{"messageId":"k%d","userId":"user-%d"}`, n, n))
	})
	if err != nil {
		return err
	}
	if _, err := s.cloud.Advance(ctx, time.Minute); err != nil {
		return err
	}
	return s.each(ctx, func(n int) error {
		return s.send(ctx, "batch", playWriteKey, `{"batch":[`+s.pageView(visitor(returning, n))+`]}`)
	})
}

// decide asks for each returning visitor ten times.
func (s *stage) decide(ctx context.Context) error {
	return s.each(ctx, func(n int) error {
		for range 10 {
			body := fmt.Sprintf(`{"anonymousId":%q,"slots":["hero","banner"]}`, visitor(returning, n))
			if err := s.post(ctx, "/v1/decide", playWriteKey, body); err != nil {
				return err
			}
		}
		return nil
	})
}

// signIns joins the visitors with the customers that they are.
func (s *stage) signIns(ctx context.Context) error {
	return s.each(ctx, func(n int) error {
		return s.send(ctx, "identify", playSecretKey,
			fmt.Sprintf(`{"messageId":"j%d","userId":"user-%d","anonymousId":%q}`, n, n, visitor(returning, n)))
	})
}

// oneByOne lets each event be delivered before the next one comes, as it is
// when there is little traffic: the dearest case.
func (s *stage) oneByOne(ctx context.Context) error {
	return s.each(ctx, func(n int) error {
		for i := range 10 {
			if err := s.send(ctx, "batch", playWriteKey, `{"batch":[`+s.action(visitor(browsing, n), i)+`]}`); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *stage) inTens(ctx context.Context) error {
	return s.each(ctx, func(n int) error {
		var batch []string
		for i := range 10 {
			batch = append(batch, s.action(visitor(hurrying, n), i))
		}
		return s.send(ctx, "batch", playWriteKey, `{"batch":[`+strings.Join(batch, ",")+`]}`)
	})
}

// carts takes each customer from the sign-in to the mail.
func (s *stage) carts(ctx context.Context) error {
	err := s.each(ctx, func(n int) error {
		user := fmt.Sprintf("shopper-%d", n)
		return s.send(ctx, "batch", playSecretKey, fmt.Sprintf(
			`{"batch":[{"type":"identify","messageId":"i%d","userId":%q,"anonymousId":%q,"traits":{"email":"shopper-%d@example.com"}},`+
				`{"type":"track","event":"Product Added","messageId":"p%d","userId":%q,"properties":{"cart_id":"cart-%d",`+
				`"product_id":"linden-blossom","name":"Linden blossom","price":9.5,"quantity":2,"currency":"EUR"}}]}`,
			n, user, visitor(shopping, n), n, n, user, n))
	})
	if err != nil {
		return err
	}
	_, err = s.cloud.Advance(ctx, 61*time.Minute)
	return err
}

func (s *stage) idle(ctx context.Context) error {
	_, err := s.cloud.Advance(ctx, time.Hour)
	return err
}

// each plays a part for every customer of the crowd.
func (s *stage) each(ctx context.Context, act func(n int) error) error {
	for n := range s.crowd {
		if err := ctx.Err(); err != nil {
			return fault.New(fault.Unavailable, "stopped", "the play was stopped").Because(err)
		}
		if err := act(n); err != nil {
			return err
		}
	}
	return nil
}

// pageView and action are events with all that Segment's SDK for browsers adds.
func (s *stage) pageView(who string) string {
	return s.browserEvent(who, `"type":"page","name":"Home"`, "/")
}

func (s *stage) action(who string, step int) string {
	teas := []string{"linden-blossom", "mountain-herbs", "harvest-oolong"}
	tea := teas[step%len(teas)]
	if step%2 == 0 {
		return s.browserEvent(who, `"type":"page","name":"Tea"`, "/shop/tea/"+tea)
	}
	return s.browserEvent(who, `"type":"track","event":"Product Viewed"`, "/shop/tea/"+tea)
}

func (s *stage) browserEvent(who, kind, path string) string {
	s.events++
	at := s.cloud.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	page := fmt.Sprintf(`"path":%q,"referrer":"https://www.example.org/","search":"","title":"Linden & Leaf","url":"https://shop.example.com%s"`, path, path)
	properties := page
	if strings.Contains(kind, "track") {
		properties = `"product_id":"linden-blossom","name":"Linden blossom","category":"Herbal","price":9.5,"currency":"EUR"`
	}
	return fmt.Sprintf(`{%s,"messageId":"ajs-next-1767603600000-%08x-9d77-4623-9d99-606a964252cc","anonymousId":%q,"timestamp":%q,"sentAt":%q,`+
		`"integrations":{},"properties":{%s},"context":{"page":{%s},"userAgent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36",`+
		`"userAgentData":{"brands":[{"brand":"Not/A)Brand","version":"99"},{"brand":"Chromium","version":"148"}],"mobile":false,"platform":"Windows"},`+
		`"locale":"en-US","library":{"name":"analytics.js","version":"next-1.84.3"},"timezone":"Europe/Kyiv"}}`,
		kind, s.events, who, at, at, properties, page)
}

// send posts bodies one after the other, and lets all that follows from each
// happen before the next.
func (s *stage) send(ctx context.Context, call, key string, bodies ...string) error {
	for _, body := range bodies {
		if err := s.post(ctx, "/v1/"+call, key, body); err != nil {
			return err
		}
		if err := s.cloud.Settle(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) post(ctx context.Context, path, key, body string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, inside+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.SetBasicAuth(key, "")
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fault.New(fault.Invalid, "not_played", "the play stops at POST %s, which answers %d: %.300s", path, response.StatusCode, answer)
	}
	return err
}
