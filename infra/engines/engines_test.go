package engines_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rapport/infra/engines"
	"rapport/shared/fault"
)

// The test binary itself is the engine when it is started under the name of one.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "dynoxide" {
		play(os.Args[1:])
		return
	}
	os.Exit(m.Run())
}

// play is an engine that says what it was asked. In a folder with a file
// "broken" it never answers.
func play(args []string) {
	fmt.Println("engine says", strings.Join(args, " "))
	if _, err := os.Stat(filepath.Join(filepath.Dir(os.Args[0]), "broken")); err == nil {
		select {}
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", args[len(args)-1]))
	if err != nil {
		panic(err)
	}
	err = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"TableNames":[]}`)
	}))
	panic(err)
}

// repository returns the root of one in which this binary stands for Dynoxide.
func repository(t *testing.T) (root, folder string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	root = t.TempDir()
	folder = filepath.Join(root, "infra/engines/node_modules/@dynoxide/linux-x64")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(folder, "dynoxide")); err != nil {
		t.Fatal(err)
	}
	return root, folder
}

func wantFault(t *testing.T, err error, kind fault.Kind, code string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != kind || f.Code != code {
		t.Errorf("error is %v, want %v %s", err, kind, code)
	}
}

func TestEngineRunsUntilItIsClosed(t *testing.T) {
	root, _ := repository(t)
	e, err := engines.Start(t.Context(), root, "dynoxide")
	if err != nil {
		t.Fatal(err)
	}
	connection, err := net.Dial("tcp", strings.TrimPrefix(e.Endpoint, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if n, _ := io.Copy(io.Discard, connection); n > 0 { // it ends because the engine does
		t.Errorf("the engine says %d bytes unasked", n)
	}
	if _, err := net.Dial("tcp", strings.TrimPrefix(e.Endpoint, "http://")); err == nil {
		t.Error("the engine still listens after Close")
	}
}

func TestEngineThatNeverAnswers(t *testing.T) {
	root, folder := repository(t)
	if err := os.WriteFile(filepath.Join(folder, "broken"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := engines.Start(ctx, root, "dynoxide")
	wantFault(t, err, fault.Unavailable, "engine_not_started")
}

func TestEngineThatIsNotThere(t *testing.T) {
	_, err := engines.Start(t.Context(), t.TempDir(), "dynoxide")
	wantFault(t, err, fault.NotFound, "engine_not_installed")
	_, err = engines.Start(t.Context(), t.TempDir(), "other")
	wantFault(t, err, fault.NotFound, "unknown_engine")
}

// api plays the part of DynamoDB that makes and deletes tables.
type api struct {
	calls  []string
	bodies []map[string]any
	status int
	answer string
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := map[string]any{}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		panic(err)
	}
	a.calls, a.bodies = append(a.calls, r.Header.Get("X-Amz-Target")), append(a.bodies, body)
	w.WriteHeader(a.status)
	fmt.Fprint(w, a.answer)
}

func TestTableOfTheTemplate(t *testing.T) {
	schema, err := engines.ReadSchema("../..")
	if err != nil {
		t.Fatal(err)
	}
	a := &api{status: http.StatusOK, answer: "{}"}
	server := httptest.NewServer(a)
	defer server.Close()
	if err := schema.Create(t.Context(), server.URL, "people"); err != nil {
		t.Fatal(err)
	}
	if err := engines.Drop(t.Context(), server.URL, "people"); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(a.calls), "[DynamoDB_20120810.CreateTable DynamoDB_20120810.DeleteTable]"; got != want {
		t.Errorf("calls %s, want %s", got, want)
	}
	got, err := json.Marshal(a.bodies)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"}],` +
		`"BillingMode":"PAY_PER_REQUEST","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],"TableName":"people"},` +
		`{"TableName":"people"}]`
	if string(got) != want {
		t.Errorf("bodies\n%s\nwant\n%s", got, want)
	}

	a.status = http.StatusBadRequest
	a.answer = `{"__type":"com.amazonaws.dynamodb.v20120810#ResourceInUseException","message":"there"}`
	if err := schema.Create(t.Context(), server.URL, "people"); err != nil {
		t.Errorf("a table that is there already: %v", err)
	}
	a.answer = `{"__type":"com.amazonaws.dynamodb.v20120810#LimitExceededException","message":"too many"}`
	wantFault(t, schema.Create(t.Context(), server.URL, "people"), fault.Unavailable, "table_not_created")
	wantFault(t, engines.Drop(t.Context(), server.URL, "people"), fault.Unavailable, "table_not_dropped")
}

func TestTemplateWithoutTable(t *testing.T) {
	for name, text := range map[string]string{"no file": "", "no table": "Resources: {}", "no YAML": "a: [", "no keys": "Resources: {Table: {Properties: {BillingMode: PAY_PER_REQUEST}}}"} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			if text != "" {
				if err := os.WriteFile(filepath.Join(root, "template.yaml"), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := engines.ReadSchema(root)
			wantFault(t, err, fault.Invalid, "no_table_schema")
		})
	}
}
