package main

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// completeJourney is where the sample of dunnhumby's Complete Journey (CC0)
// lies beside the repository, on machines that have it.
const completeJourney = "../../../shared/data/completejourney/transactions_sample.csv.gz"

// basket is one visit to the till.
type basket struct {
	id, household, at string
	total             *big.Rat
	products          []json.RawMessage
}

// TestCompleteJourney imports real purchases and compares every household's
// orders and revenue with a sum made without Rapport. Without -load it takes some
// of the households.
func TestCompleteJourney(t *testing.T) {
	baskets, err := readBaskets(completeJourney)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the Complete Journey transactions are not beside the repository")
	}
	if err != nil {
		t.Fatal(err)
	}
	if !*load {
		baskets = slices.DeleteFunc(baskets, func(b *basket) bool { return !strings.HasSuffix(b.household, "21") })
	}
	file := filepath.Join(t.TempDir(), "orders.jsonl.gz")
	writeOrders(t, file, baskets)

	c := tool{t, t.TempDir()}
	code, out, errs := c.run("import", file)
	if code != 0 {
		t.Fatalf("import: %d %s %s", code, out, errs)
	}
	t.Logf("%d orders\n%s", len(baskets), out)
	url, stop := c.local()
	defer stop()
	compare(t, url, baskets)
	first := household(t, url, baskets[0].household)

	if code, out, errs := c.run("import", "--url", url, file); code != 0 {
		t.Fatalf("second import: %d %s %s", code, out, errs)
	}
	compare(t, url, baskets)
	if again := household(t, url, baskets[0].household); again != first {
		t.Errorf("the second import changed a person:\n%s\n%s", first, again)
	}
}

func readBaskets(path string) ([]*basket, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	rows := csv.NewReader(unzipped)
	head, err := rows.Read()
	if err != nil {
		return nil, err
	}
	column := map[string]int{}
	for i, name := range head {
		column[name] = i
	}
	byID := map[string]*basket{}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		value := func(name string) string { return row[column[name]] }
		b := byID[value("basket_id")]
		if b == nil {
			b = &basket{id: value("basket_id"), household: value("household_id"), at: value("transaction_timestamp"), total: new(big.Rat)}
			byID[b.id] = b
		}
		price, ok := new(big.Rat).SetString(value("sales_value"))
		if !ok {
			return nil, fmt.Errorf("sales_value %q", value("sales_value"))
		}
		b.total.Add(b.total, price)
		b.products = append(b.products, json.RawMessage(fmt.Sprintf(`{"product_id":%q,"quantity":%s}`, value("product_id"), value("quantity"))))
	}
	out := slices.Collect(maps.Values(byID))
	slices.SortFunc(out, func(a, b *basket) int { return strings.Compare(a.at+a.id, b.at+b.id) })
	return out, nil
}

func writeOrders(t *testing.T, path string, baskets []*basket) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	zip := gzip.NewWriter(f)
	enc := json.NewEncoder(zip)
	for _, b := range baskets {
		err := enc.Encode(map[string]any{
			"type": "track", "event": "Order Completed", "messageId": "basket-" + b.id, "userId": "household-" + b.household,
			"timestamp":  strings.Replace(b.at, " ", "T", 1) + "Z",
			"properties": map[string]any{"order_id": b.id, "revenue": json.Number(decimal(b.total)), "currency": "USD", "products": b.products},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(zip.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// decimal writes a sum of decimals exactly, without trailing zeros.
func decimal(r *big.Rat) string {
	text := r.FloatString(12)
	return strings.TrimRight(strings.TrimRight(text, "0"), ".")
}

// compare checks the orders and the revenue of every household.
func compare(t *testing.T, url string, baskets []*basket) {
	t.Helper()
	orders, revenue := map[string]int{}, map[string]*big.Rat{}
	for _, b := range baskets {
		orders[b.household]++
		if revenue[b.household] == nil {
			revenue[b.household] = new(big.Rat)
		}
		revenue[b.household].Add(revenue[b.household], b.total)
	}
	for id, count := range orders {
		want := fmt.Sprintf(`"orders":%d,"orders_90d":0,"pages":0,"revenue":%s}`, count, decimal(revenue[id]))
		if got := household(t, url, id); !strings.Contains(got, want) {
			t.Fatalf("household %s: %s, want %s", id, got, want)
		}
	}
}

func household(t *testing.T, url, id string) string {
	t.Helper()
	status, body := get(t, url+"/v1/people/userId:household-"+id, "demo-secret")
	if status != http.StatusOK {
		t.Fatalf("household %s: %d %s", id, status, body)
	}
	return string(body)
}
