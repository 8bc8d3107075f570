package person_test

import (
	"reflect"
	"testing"
	"time"

	"rapport/shared/person"
)

func TestTombstone(t *testing.T) {
	at := time.Date(2026, 11, 24, 12, 0, 0, 5e6, time.UTC)
	for _, want := range []person.Tombstone{{At: at}, {At: at, Rest: []string{"a", "b"}}} {
		if got, ok := person.DecodeTombstone(want.Encode()); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is read as %+v, %v", want.Encode(), got, ok)
		}
		if _, ok := person.DecodePointer(want.Encode()); ok {
			t.Errorf("%s is read as a pointer", want.Encode())
		}
	}
	living, err := person.New(person.NodeID{Kind: person.UserID, Value: "u1"}, at).Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range [][]byte{living, person.Pointer{To: "a"}.Encode(), nil, []byte(`{"erased":`)} {
		if _, ok := person.DecodeTombstone(body); ok {
			t.Errorf("%s is read as a tombstone", body)
		}
	}
}
