package boot_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport/shared/access"
	"rapport/shared/aws/boot"
)

// inLambda sets what Lambda and template.yaml set.
func inLambda(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
		"AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "session",
		"WRITE_KEY": "demo-write", "SECRET_KEY": "demo-secret", "IDENTITY_SECRET": "demo-identity",
		"AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_SQS": "",
	} {
		t.Setenv(name, value)
	}
}

func TestConfigComesFromTheEnvironment(t *testing.T) {
	inLambda(t)
	var env boot.Env
	cfg := env.AWS("DYNAMODB")
	keys, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := []string{cfg.Region, keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken, *cfg.BaseEndpoint}
	if diff := cmp.Diff([]string{"eu-central-1", "AKIDEXAMPLE", "secret", "session", "http://127.0.0.1:1"}, got); diff != "" {
		t.Error(diff)
	}
	if keys.CanExpire {
		t.Error("credentials of a sandbox do not expire before it does")
	}
	if at := env.AWS("SQS").BaseEndpoint; at != nil {
		t.Errorf("SQS is reached at %s", *at)
	}
	if len(env.Problems()) != 0 {
		t.Errorf("problems are %q", env.Problems())
	}
}

func TestAllThatIsMissingIsNamedOnce(t *testing.T) {
	inLambda(t)
	for _, name := range []string{"AWS_REGION", "SECRET_KEY", "IDENTITY_SECRET", "TABLE_NAME"} {
		t.Setenv(name, "")
	}
	t.Setenv("WRITE_KEY", "  ")
	var env boot.Env
	env.Access()
	env.AWS("DYNAMODB")
	env.AWS("SQS")
	env.Variable("TABLE_NAME")
	var named []string
	for _, p := range env.Problems() {
		name, _, _ := strings.Cut(p, ":")
		named = append(named, name)
	}
	if diff := cmp.Diff([]string{"WRITE_KEY", "SECRET_KEY", "IDENTITY_SECRET", "AWS_REGION", "TABLE_NAME"}, named); diff != "" {
		t.Error(diff)
	}
}

func TestQuotaIsWhatTheEnvironmentSays(t *testing.T) {
	source := netip.MustParsePrefix("192.0.2.7/32")
	for value, want := range map[string]struct {
		admitted int
		problem  string
	}{
		"2": {2, ""}, "0": {3, ""}, "": {3, "IDS_PER_MINUTE: set"}, "many": {3, "say how many ids"},
	} {
		t.Setenv("IDS_PER_MINUTE", value)
		var env boot.Env
		quota, admitted := env.Quota(), 0
		for _, id := range []string{"a", "b", "c"} {
			if quota.Admit(source, id, time.Unix(0, 0)) == nil {
				admitted++
			}
		}
		problems := strings.Join(env.Problems(), "; ")
		if admitted != want.admitted || !strings.HasPrefix(problems, want.problem) || (problems == "") != (want.problem == "") {
			t.Errorf("%q: %d admitted, problems %q", value, admitted, problems)
		}
	}
}

func TestAccessIsWhatTheEnvironmentSays(t *testing.T) {
	inLambda(t)
	var env boot.Env
	keys, proofs := env.Access()
	write, _ := keys.Classify("demo-write")
	secret, _ := keys.Classify("demo-secret")
	if write != access.Write || secret != access.Secret {
		t.Errorf("keys are %v and %v", write, secret)
	}
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	proof, err := proofs.Issue("u1", time.Minute, now)
	if err != nil {
		t.Fatal(err)
	}
	if user, err := proofs.Verify(proof, now); user != "u1" || err != nil {
		t.Errorf("user is %q, %v", user, err)
	}
}

func TestAKeyThatCannotBeReadIsAProblem(t *testing.T) {
	inLambda(t)
	t.Setenv("SECRET_KEY", "sha256:short")
	var env boot.Env
	env.Access()
	if len(env.Problems()) != 1 || !strings.Contains(env.Problems()[0], "sha256") {
		t.Errorf("problems are %q", env.Problems())
	}
}

// closing is a body as the SDK's is: WriteTo reports the end as an error.
type closing struct{ io.Reader }

func (closing) Close() error                     { return nil }
func (closing) WriteTo(io.Writer) (int64, error) { return 0, io.EOF }

// TestARequestIsSentOnce posts bodies like the SDK's. A transport that saw their
// WriteTo would give the connection up while the answer is on its way.
func TestARequestIsSentOnce(t *testing.T) {
	inLambda(t)
	var served, dialled atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		served.Add(1)
		if body, err := io.ReadAll(r.Body); string(body) != "body" || err != nil {
			t.Errorf("body is %q, %v", body, err)
		}
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			dialled.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	var env boot.Env
	client := env.AWS("DYNAMODB").HTTPClient
	for range 5 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, closing{strings.NewReader("body")})
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = 4
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
	}
	if served.Load() != 5 || dialled.Load() != 1 {
		t.Errorf("%d requests over %d connections", served.Load(), dialled.Load())
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	inLambda(t)
	server := httptest.NewServer(http.RedirectHandler("/elsewhere", http.StatusTemporaryRedirect))
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	var env boot.Env
	answer, err := env.AWS("SQS").HTTPClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("status is %d", answer.StatusCode)
	}
}

type echo func(ctx context.Context, payload []byte) ([]byte, error)

func (e echo) Invoke(ctx context.Context, payload []byte) ([]byte, error) { return e(ctx, payload) }

func TestAHandlerStopsHalfASecondEarly(t *testing.T) {
	deadline := time.Now().Add(time.Hour)
	ctx, cancel := context.WithDeadline(t.Context(), deadline)
	defer cancel()
	seen := func(ctx context.Context) (d time.Duration, bounded bool) {
		h := boot.Punctual(echo(func(ctx context.Context, payload []byte) ([]byte, error) {
			end, ok := ctx.Deadline()
			d, bounded = deadline.Sub(end), ok
			return payload, nil
		}))
		if out, err := h.Invoke(ctx, []byte("x")); string(out) != "x" || err != nil {
			t.Errorf("answer is %q, %v", out, err)
		}
		return d, bounded
	}
	if d, bounded := seen(ctx); d != 500*time.Millisecond || !bounded {
		t.Errorf("the handler must end %s before the deadline, bounded %v", d, bounded)
	}
	if _, bounded := seen(t.Context()); bounded {
		t.Error("without a deadline there is none to keep")
	}
}

func TestIDsAreRandomUUIDs(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		id := boot.NewID()
		if len(id) != 36 || id[14] != '4' || !strings.ContainsRune("89ab", rune(id[19])) || seen[id] {
			t.Fatalf("id is %q", id)
		}
		seen[id] = true
	}
}

func TestOriginsAreWhatTheEnvironmentSays(t *testing.T) {
	for value, want := range map[string]struct {
		origins []string
		problem string
	}{
		"": {nil, ""}, "https://a.example.com,https://b.example.com": {[]string{"https://a.example.com", "https://b.example.com"}, ""},
		"*": {nil, "ALLOWED_ORIGINS: write origins"},
	} {
		t.Setenv("ALLOWED_ORIGINS", value)
		var env boot.Env
		origins := env.Origins()
		problems := strings.Join(env.Problems(), "; ")
		if diff := cmp.Diff(want.origins, origins); diff != "" || !strings.HasPrefix(problems, want.problem) || (problems == "") != (want.problem == "") {
			t.Errorf("%q: problems %q; %s", value, problems, diff)
		}
	}
}

func TestProofsAreWhatTheEnvironmentSays(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	issuer, err := access.NewProofs(access.ProofConfig{Secrets: []string{"demo-identity"}, Audience: "shop", Issuer: "login"})
	if err != nil {
		t.Fatal(err)
	}
	proof, err := issuer.Issue("u1", time.Minute, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, value string
		holds       bool
	}{
		{"PROOF_AUDIENCE", "shop", true},
		{"PROOF_AUDIENCE", "another-shop", false},
		{"PROOF_ISSUER", "login", true},
		{"PROOF_ISSUER", "another-login", false},
		{"PROOF_ALGORITHM", "HS256", true},
	} {
		t.Run(c.name+" "+c.value, func(t *testing.T) {
			inLambda(t)
			t.Setenv(c.name, c.value)
			var env boot.Env
			_, proofs := env.Access()
			if _, err := proofs.Verify(proof, now); (err == nil) != c.holds || len(env.Problems()) != 0 {
				t.Errorf("%v, problems %q", err, env.Problems())
			}
		})
	}
	inLambda(t)
	t.Setenv("PROOF_ALGORITHM", "none")
	var env boot.Env
	if env.Access(); len(env.Problems()) != 1 {
		t.Errorf("problems %q", env.Problems())
	}
}
