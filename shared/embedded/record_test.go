package embedded

import (
	"bytes"
	"encoding/hex"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rapport/shared/fault"
	"rapport/shared/table"
)

var recordComparer = cmp.AllowUnexported(record{})

// Files that exist hold these bytes: change the layout under another format byte.
func TestRecordGolden(t *testing.T) {
	cases := []struct {
		name   string
		record record
		hex    string
	}{
		{"least", record{version: 1, owner: "o"}, "01" + "02" + "016f" + "00" + "00"},
		{"body", record{version: 64, owner: "own", expires: 1, body: []byte{0, 0xFF}}, "01" + "8001" + "036f776e" + "02" + "00" + "00ff"},
		{
			"counters",
			record{
				version: 2, owner: "é", expires: 1_795_521_600,
				counters: map[string]int64{"b": -1, "a": 300, "": 0, "min": math.MinInt64, "max": math.MaxInt64}, body: []byte("x"),
			},
			"01" + "04" + "02c3a9" + "80f1abb00d" + "05" +
				"00" + "00" + "0161" + "d804" + "0162" + "01" + "036d6178" + "feffffffffffffffff01" + "036d696e" + "ffffffffffffffffff01" + "78",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := hex.EncodeToString(c.record.encode()); got != c.hex {
				t.Errorf("encodes to\n%s, want\n%s", got, c.hex)
			}
			value, _ := hex.DecodeString(c.hex)
			got, err := decodeRecord(value)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.body) == 0 {
				got.body = nil
			}
			if diff := cmp.Diff(&c.record, got, recordComparer); diff != "" {
				t.Errorf("decodes to (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRecordRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := record{
			version:  rapid.Int64().Draw(t, "version"),
			owner:    string(rapid.SliceOf(rapid.Byte()).Draw(t, "owner")),
			expires:  rapid.Int64().Draw(t, "expires"),
			counters: rapid.MapOf(rapid.String(), rapid.Int64()).Draw(t, "counters"),
			body:     rapid.SliceOf(rapid.Byte()).Draw(t, "body"),
		}
		encoded := want.encode()
		got, err := decodeRecord(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if len(want.counters) == 0 {
			want.counters = nil
		}
		if diff := cmp.Diff(&want, got, recordComparer); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		if !bytes.Equal(got.encode(), encoded) {
			t.Fatal("the same record has two encodings")
		}
	})
}

func TestDamagedRecords(t *testing.T) {
	for name, text := range map[string]string{
		"empty":                    "",
		"another format":           "02" + "02" + "016f" + "00" + "00",
		"no version":               "01",
		"version too long":         "01" + "ffffffffffffffffffff01" + "016f" + "00" + "00",
		"owner too long":           "01" + "02" + "056f",
		"no expiry":                "01" + "02" + "016f",
		"no counters":              "01" + "02" + "016f" + "00",
		"more counters than bytes": "01" + "02" + "016f" + "00" + "ffffffff0f",
		"counters cut":             "01" + "02" + "016f" + "00" + "02" + "016102",
		"counter without value":    "01" + "02" + "016f" + "00" + "01" + "0161",
	} {
		value, _ := hex.DecodeString(text)
		if r, err := decodeRecord(value); fault.KindOf(err) != fault.Internal || err == nil {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) { // whatever the bytes are, nothing panics
		_, _ = decodeRecord(append([]byte{format}, rapid.SliceOf(rapid.Byte()).Draw(t, "value")...))
	})
}

func TestKeyOrder(t *testing.T) {
	text := rapid.StringOf(rapid.SampledFrom([]rune("\x00\x01\x02a#é")))
	keys := rapid.Custom(func(t *rapid.T) table.Key {
		return table.Key{Partition: text.Draw(t, "partition"), Sort: text.Draw(t, "sort")}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := keys.Draw(t, "a"), keys.Draw(t, "b")
		if got := decodeKey(encodeKey(a)); got != a {
			t.Fatalf("%q comes back as %q", a, got)
		}
		want := bytes.Compare([]byte(a.Partition), []byte(b.Partition))
		if want == 0 {
			want = bytes.Compare([]byte(a.Sort), []byte(b.Sort))
		}
		if got := bytes.Compare(encodeKey(a), encodeKey(b)); got != want {
			t.Fatalf("%q and %q compare as %d, want %d", a, b, got, want)
		}
		s := rangeSpan(a.Partition, table.Range{})
		if in := bytes.Compare(s.low, encodeKey(b)) <= 0 && bytes.Compare(encodeKey(b), s.high) < 0; in != (a.Partition == b.Partition) {
			t.Fatalf("partition %q reaches %q", a.Partition, b)
		}
	})
}
