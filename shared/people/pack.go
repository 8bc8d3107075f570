package people

import (
	"bytes"
	"compress/flate"
	"io"
	"sync"

	"rapport/shared/fault"
)

// Records are the most of what is stored and written: one for each event, for
// more than a year. They are alike in their names and in what an SDK says of
// its browser, so that most of a record is known before it comes. Against a
// dictionary of that, an event of a browser takes a third of its JSON, and one
// write unit instead of two.

// packed begins a record that is compressed against dictionary. JSON begins
// with a brace, so that neither is taken for the other.
const packed = 1

// dictionary is what records have in common, the most frequent last, as it then
// takes the fewest bits. Stored records need it as it is: a better one needs a
// byte of its own beside packed.
const dictionary = `"previousId":""groupId":""claim":""imported":true"timeCorrected":true"coupon":""shipping":0,"tax":0,"discount":0` +
	`"utm_source=utm_medium=utm_campaign="campaign":{"name":"","source":"","medium":"","term":"","content":""},"audience":"` +
	`"kind":"Message Due""kind":"Audience Left","node":"userId:"kind":"Audience Entered","node":"anonymousId:","cause":"","at":"` +
	`"kind":"Counted","tally":{"id":"","cells":[{"name":"journey\u0000"n":1}]}"screen":{"density":1,"height":1080,"width":1920}` +
	`"device":{"id":"","manufacturer":"Apple","model":"","type":"ios"},"network":{"cellular":false,"wifi":true},"os":{"name":"iOS","version":""}` +
	`"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/ Mobile Safari/537.36"` +
	`"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"` +
	`"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"` +
	`"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15"` +
	`"library":{"name":"@segment/analytics-node","version":"3.1.0"}"library":{"name":"RudderLabs JavaScript SDK","version":""}` +
	`"library":{"name":"@jitsu/js","version":"1.11.0"}"traits":{"email":"","firstName":"","lastName":"","phone":"","country":""}` +
	`"event":"Order Completed","properties":{"cart_id":"","currency":"EUR","order_id":"","products":[{"name":"","price":,"product_id":"","quantity":1,"sku":"","category":"","brand":"","variant":"","image_url":"https://"}],"revenue":,"subtotal":,"total":}` +
	`"event":"Product Added","properties":{"brand":"","cart_id":"","category":"","currency":"USD","image_url":"https://www.","name":"","price":,"product_id":"","quantity":1,"url":"https://"}` +
	`"event":"Product Viewed","type":"identify","type":"page","event":"Home","properties":{"path":"/","referrer":"https://www.google.com/","search":"","title":"","url":"https://www."}` +
	`{"e":{"messageId":"ajs-next-17","type":"track","event":"","userId":"","anonymousId":"","properties":{"category":"","currency":"EUR","name":"","price":,"product_id":""},` +
	`"context":{"library":{"name":"analytics.js","version":"next-1.84.3"},"locale":"en-US","page":{"path":"/","referrer":"","search":"","title":"","url":"https://"},"timezone":"Europe/Berlin",` +
	`"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36` +
	`Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36",` +
	`"userAgentData":{"brands":[{"brand":"Not/A)Brand","version":"99"},{"brand":"Google Chrome","version":"148"},{"brand":"Chromium","version":"148"}],"mobile":true,"platform":"Android"}{"mobile":false,"platform":"macOS"},"platform":"Linux"},"platform":"Windows"}},` +
	`"integrations":{},"timestamp":"2026-01-01T00:00:00.000Z","originalTimestamp":"2026-","sentAt":"2026-","receivedAt":"2026-","trusted":true,"digest":"","verdicts":[""]},"v":[""],"x":[{"id":"`

// writers keeps compressors, each of which takes hundreds of KB.
var writers = sync.Pool{New: func() any {
	w, _ := flate.NewWriterDict(io.Discard, flate.DefaultCompression, []byte(dictionary)) // the level is valid
	return w
}}

// minPacked is from how many bytes on a record is packed. Shorter ones take one
// write unit as they are, and most of them is key and ids.
const minPacked = 512

// pack returns the JSON in the shorter of its two forms.
func pack(text []byte) []byte {
	if len(text) < minPacked {
		return text
	}
	var b bytes.Buffer
	b.WriteByte(packed)
	w := writers.Get().(*flate.Writer)
	defer writers.Put(w)
	w.Reset(&b)
	_, _ = w.Write(text) // into memory
	_ = w.Close()
	if b.Len() >= len(text) {
		return text
	}
	return b.Bytes()
}

// maxRecord bounds what a record may hold unpacked: far above what an item can.
const maxRecord = 64 << 20

// unpack is the inverse of pack.
func unpack(body []byte) ([]byte, error) {
	if len(body) == 0 || body[0] != packed {
		return body, nil
	}
	text, err := io.ReadAll(io.LimitReader(flate.NewReaderDict(bytes.NewReader(body[1:]), []byte(dictionary)), maxRecord))
	if err != nil {
		return nil, fault.New(fault.Internal, "decode_record", "a stored event cannot be read").Because(err)
	}
	return text, nil
}
