package smoke_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport/infra/engines"
	"rapport/shared/fault"
)

// openDynamo starts a DynamoDB engine with the table "people", or a stand-in
// where none is installed, and returns its URL and whether it is an engine.
func openDynamo(t *testing.T) (endpoint string, real bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	engine, err := engines.Start(ctx, root, "dynoxide")
	if fault.KindOf(err) == fault.NotFound {
		t.Logf("a stand-in without conditions takes the place of DynamoDB: %v", err)
		server := httptest.NewServer(&shelf{items: map[string]json.RawMessage{}})
		t.Cleanup(server.Close)
		return server.URL, false
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	schema, err := engines.ReadSchema(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Create(ctx, engine.Endpoint, tableName); err != nil {
		t.Fatal(err)
	}
	return engine.Endpoint, true
}

// shelf stands in for DynamoDB: it keeps whole items by key and looks at no
// condition, which is enough to see functions start and answer.
type shelf struct {
	mu    sync.Mutex
	items map[string]json.RawMessage
}

type itemKey struct {
	PK struct{ S string } `json:"pk"`
	SK struct{ S string } `json:"sk"`
}

func (k itemKey) String() string { return k.PK.S + "\x00" + k.SK.S }

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var in struct {
		Key           itemKey
		Item          json.RawMessage
		RequestItems  map[string]struct{ Keys []itemKey }
		TransactItems []struct {
			Put    *struct{ Item json.RawMessage }
			Delete *struct{ Key itemKey }
		}
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	out := map[string]any{}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch operation {
	case "GetItem":
		if item := s.items[in.Key.String()]; item != nil {
			out["Item"] = item
		}
	case "BatchGetItem":
		found := map[string][]json.RawMessage{}
		for table, want := range in.RequestItems {
			for _, key := range want.Keys {
				if item := s.items[key.String()]; item != nil {
					found[table] = append(found[table], item)
				}
			}
		}
		out["Responses"], out["UnprocessedKeys"] = found, map[string]any{}
	case "PutItem":
		s.put(in.Item)
	case "DeleteItem":
		delete(s.items, in.Key.String())
	case "TransactWriteItems":
		for _, write := range in.TransactItems {
			if write.Put != nil {
				s.put(write.Put.Item)
			}
			if write.Delete != nil {
				delete(s.items, write.Delete.Key.String())
			}
		}
	case "Query", "Scan":
		out["Items"], out["Count"], out["ScannedCount"] = []any{}, 0, 0
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_ = json.NewEncoder(w).Encode(out)
}

func (s *shelf) put(item json.RawMessage) {
	var key itemKey
	if json.Unmarshal(item, &key) == nil {
		s.items[key.String()] = item
	}
}
