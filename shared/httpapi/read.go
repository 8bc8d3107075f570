package httpapi

import (
	"bytes"
	"compress/gzip"
	stdjson "encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"rapport/shared/fault"
	"rapport/shared/wire"
)

// maxBody is how large the body of a request may be, unpacked, where a route
// does not say otherwise.
const maxBody = 256 << 10

// Decode reads the request's JSON into the struct that into points to. Names
// must be exact, known and single; text must be UTF-8; nothing may follow. An
// empty body reads as {}. It fails with Malformed, TooLarge or Invalid, naming
// the field. In the struct, take numbers whose digits matter as json.Number,
// and free-form objects as json.RawMessage or map[string]any.
func Decode(r *http.Request, into any) error {
	if err := acceptable(r.Header); err != nil {
		return err
	}
	data, err := Body(r, maxBody)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(data)) == 0 {
		data = []byte("{}")
	}
	return Unmarshal(data, into)
}

// Unmarshal reads one strict JSON object; see Decode.
func Unmarshal(data []byte, into any) error {
	if _, err := wire.ParseObject(data, wire.Standard); err != nil {
		return err
	}
	err := json.Unmarshal(data, into, json.RejectUnknownMembers(true), json.WithUnmarshalers(exactNumbers))
	var s *json.SemanticError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, json.ErrUnknownName) && errors.As(err, &s):
		return wire.Unknown(field(s.JSONPointer))
	case errors.As(err, &s):
		return fault.New(fault.Invalid, "bad_value", "send a value of the documented type").In(field(s.JSONPointer)).Because(err)
	default:
		return fault.New(fault.Invalid, "bad_value", "send values of the documented types").Because(err)
	}
}

// exactNumbers keeps the digits of numbers in free-form values.
var exactNumbers = json.JoinUnmarshalers(
	json.UnmarshalFromFunc(func(dec *jsontext.Decoder, v *any) error {
		if dec.PeekKind() != '0' {
			return errors.ErrUnsupported
		}
		token, err := dec.ReadToken()
		*v = stdjson.Number(token.String())
		return err
	}),
	json.UnmarshalFromFunc(func(dec *jsontext.Decoder, v *stdjson.Number) error {
		if dec.PeekKind() != '0' {
			return errors.New("not a number")
		}
		token, err := dec.ReadToken()
		*v = stdjson.Number(token.String())
		return err
	}),
)

// field writes a JSON pointer as errors name fields: "context.page.path".
func field(p jsontext.Pointer) string {
	var names []string
	for token := range p.Tokens() {
		names = append(names, token)
	}
	return strings.Join(names, ".")
}

// acceptable judges what the request says its body is. Browsers send text/plain
// where a preflight would cost a round trip.
func acceptable(h http.Header) error {
	switch strings.ToLower(h.Get("Content-Encoding")) {
	case "", "identity", "gzip":
	default:
		return fault.New(fault.Unsupported, "unsupported_media_type", "send the body plain or as gzip").In("Content-Encoding")
	}
	declared := h.Get("Content-Type")
	if declared == "" {
		return nil
	}
	kind, _, err := mime.ParseMediaType(declared)
	if err == nil && (kind == "application/json" || kind == "text/plain" || strings.HasSuffix(kind, "+json")) {
		return nil
	}
	return fault.New(fault.Unsupported, "unsupported_media_type", "send the body as application/json").In("Content-Type")
}

// Body reads the request's body, unpacked if it is gzip by its first bytes,
// whatever its headers say. It fails with TooLarge over limit bytes, packed or
// not, and with Malformed when it cannot be unpacked.
func Body(r *http.Request, limit int64) ([]byte, error) {
	data, err := readUpTo(r.Body, limit)
	if err != nil || !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		return data, err
	}
	packed, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, badGzip(err)
	}
	return readUpTo(packed, limit)
}

func readUpTo(from io.Reader, limit int64) ([]byte, error) {
	if from == nil {
		return nil, nil
	}
	data, err := io.ReadAll(io.LimitReader(from, limit+1))
	if err != nil {
		return nil, badGzip(err)
	}
	if int64(len(data)) > limit {
		return nil, fault.New(fault.TooLarge, "body_too_large", "send at most %d bytes, counted unpacked", limit)
	}
	return data, nil
}

func badGzip(err error) *fault.Error {
	return fault.New(fault.Malformed, "bad_body", "send the whole body, and valid gzip if it is packed").Because(err)
}
