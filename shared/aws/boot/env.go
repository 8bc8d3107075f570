package boot

import (
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"rapport/shared/access"
	"rapport/shared/fault"
	"rapport/shared/strategy"
	"rapport/shared/table"
)

// Env is what a function finds around it when it starts. What is missing or
// wrong is remembered, so that one start names all of it; see Main.
type Env struct {
	// Log writes JSON lines with request and trace id to standard output.
	Log *slog.Logger

	strategies *strategy.Reader // nil: this function does without
	problems   []string
	counts     counts
}

// Variable returns the environment variable as it is. One that is unset or blank
// is a problem.
func (e *Env) Variable(name string) string {
	value := os.Getenv(name)
	if strings.TrimSpace(value) == "" {
		e.problem(fault.New(fault.Invalid, "no_variable", "set the environment variable %s; functions get theirs from template.yaml", name).In(name))
	}
	return value
}

// Access returns the keys in force (WRITE_KEY, SECRET_KEY) and the judge of
// proofs (IDENTITY_SECRET, and what access.ProofSettings reads).
func (e *Env) Access() (access.Keys, access.Proofs) {
	write, secret, identity := e.Variable("WRITE_KEY"), e.Variable("SECRET_KEY"), e.Variable("IDENTITY_SECRET")
	keys, err := access.NewKeys([]string{write}, []string{secret})
	e.problem(err)
	if identity == "" {
		return keys, access.Proofs{}
	}
	proofs, err := access.NewProofs(access.ProofSettings(os.Getenv))
	e.problem(err)
	return keys, proofs
}

// Origins returns the origins whose pages may call (ALLOWED_ORIGINS); none, also
// when it is unset, means all.
func (e *Env) Origins() []string {
	origins, err := access.Origins(os.Getenv("ALLOWED_ORIGINS"))
	e.problem(err)
	return origins
}

// Quota returns the limit of ids that one address may ask about
// (IDS_PER_MINUTE).
func (e *Env) Quota() *access.Quota {
	ids := e.Variable("IDS_PER_MINUTE")
	if ids == "" {
		return nil
	}
	quota, err := access.NewQuota(ids)
	e.problem(err)
	return quota
}

// Strategy returns a reader of the strategy that is published in the table.
// Main reads it once before the first request, while the processor is at full
// speed; that also opens the connection.
func (e *Env) Strategy(t table.Table) *strategy.Reader {
	e.strategies = strategy.NewReader(t, time.Now)
	return e.strategies
}

// EdgeStrategy is Strategy for functions that answer visitors, who would wait for
// mail and journeys to be read that nobody shows them.
func (e *Env) EdgeStrategy(t table.Table) *strategy.Reader {
	e.strategies = strategy.NewEdgeReader(t, time.Now)
	return e.strategies
}

// Check returns all that was missing or wrong so far as one fault, nil when
// nothing was. Main asks by itself.
func (e *Env) Check() error {
	if len(e.problems) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "bad_environment", "%s", strings.Join(e.problems, "; "))
}

// problem remembers err unless it is nil or known already.
func (e *Env) problem(err error) {
	if err != nil && !slices.Contains(e.problems, err.Error()) {
		e.problems = append(e.problems, err.Error())
	}
}
