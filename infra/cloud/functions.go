package cloud

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-lambda-go/lambda"

	"rapport/functions/advance"
	"rapport/functions/collect"
	"rapport/functions/decide"
	"rapport/functions/forget"
	"rapport/functions/report"
	"rapport/functions/unify"
	"rapport/shared/access"
	"rapport/shared/aws/boot"
	"rapport/shared/decision"
	"rapport/shared/fault"
	"rapport/shared/insight"
	"rapport/shared/people"
)

// Functions are Rapport's own, by their logical ids in the template.
func Functions() map[string]Builder {
	return map[string]Builder{
		"CollectFunction": buildCollect,
		"UnifyFunction":   buildUnify,
		"DecideFunction":  buildDecide,
		"AdvanceFunction": buildAdvance,
		"ReportFunction":  buildReport,
		"SendFunction":    buildSend,
		"HearFunction":    buildHear,
		"PreferFunction":  buildPrefer,
		"TallyFunction":   buildTally,
		"ForgetFunction":  buildForget,
	}
}

func buildCollect(env Env) (lambda.Handler, error) {
	queue, err := env.Queue("INGEST_QUEUE_URL")
	if err != nil {
		return nil, err
	}
	keys, proofs, err := env.access()
	if err != nil {
		return nil, err
	}
	origins, err := env.origins()
	if err != nil {
		return nil, err
	}
	return boot.HTTP(collect.New(collect.Deps{
		Queue: queue, Keys: keys, Proofs: proofs, Now: env.Now, Log: env.Log, Origins: origins,
		Reserved: env.reserved, Sources: env.Strategy.Sources,
	})), nil
}

func buildUnify(env Env) (lambda.Handler, error) {
	outlet, err := env.outlet()
	if err != nil {
		return nil, err
	}
	secret, err := env.Variable("IDENTITY_SECRET")
	if err != nil {
		return nil, err
	}
	parked, err := env.Queue("PARKED_QUEUE_URL")
	if err != nil {
		return nil, err
	}
	believed, err := env.Variable("ACCOUNT_ID")
	if err != nil {
		return nil, err
	}
	return lambda.NewHandler(unify.New(unify.Deps{
		People: env.people().Counting(decision.Keys([]byte(secret))), Strategy: env.Strategy, Outlet: outlet, Parked: parked, Account: believed, Log: env.Log,
	}).Handle), nil
}

func buildDecide(env Env) (lambda.Handler, error) {
	keys, proofs, err := env.access()
	if err != nil {
		return nil, err
	}
	secret, err := env.Variable("IDENTITY_SECRET")
	if err != nil {
		return nil, err
	}
	ids, err := env.Variable("IDS_PER_MINUTE")
	if err != nil {
		return nil, err
	}
	quota, err := access.NewQuota(ids)
	if err != nil {
		return nil, err
	}
	origins, err := env.origins()
	if err != nil {
		return nil, err
	}
	return boot.HTTP(decide.New(decide.Deps{
		People: env.people(), Strategy: env.Strategy, Keys: keys, Proofs: proofs, Quota: quota,
		Secret: []byte(secret), Now: env.Now, Log: env.Log, Origins: origins,
	})), nil
}

func buildAdvance(env Env) (lambda.Handler, error) {
	queue, err := env.Queue("ADVANCE_QUEUE_URL")
	if err != nil {
		return nil, err
	}
	outlet, err := env.outlet()
	if err != nil {
		return nil, err
	}
	return lambda.NewHandler(advance.New(advance.Deps{
		Timers: env.people(), Strategy: env.Strategy, Queue: queue, Outlet: outlet, Log: env.Log,
	}).Handle), nil
}

func buildReport(env Env) (lambda.Handler, error) {
	keys, _, err := env.access()
	if err != nil {
		return nil, err
	}
	outlet, err := env.outlet()
	if err != nil {
		return nil, err
	}
	return boot.HTTP(report.New(report.Deps{
		People: env.people(), Strategy: env.Strategy, Results: insight.NewCounters(env.Table, env.Now, newID),
		Outlet: outlet, Keys: keys, Now: env.Now, Log: env.Log,
	})), nil
}

func buildForget(env Env) (lambda.Handler, error) {
	keys, _, err := env.access()
	if err != nil {
		return nil, err
	}
	tallies, err := env.Queue("TALLIES_QUEUE_URL")
	if err != nil {
		return nil, err
	}
	return boot.HTTP(forget.New(forget.Deps{
		People: env.people().Telling(tallies), Strategy: env.Strategy, Roads: letters{env.cloud}, Keys: keys, Now: env.Now, Log: env.Log,
	})), nil
}

func (e Env) people() *people.Store { return people.NewStore(e.Table, e.Now, newID) }

// access reads the keys from the environment that the template gives.
func (e Env) access() (access.Keys, access.Proofs, error) {
	values := map[string]string{}
	for _, name := range []string{"WRITE_KEY", "SECRET_KEY", "IDENTITY_SECRET"} {
		value, err := e.Variable(name)
		if err != nil {
			return access.Keys{}, access.Proofs{}, err
		}
		values[name] = value
	}
	keys, err := access.NewKeys([]string{values["WRITE_KEY"]}, []string{values["SECRET_KEY"]})
	if err != nil {
		return access.Keys{}, access.Proofs{}, err
	}
	proofs, err := access.NewProofs(access.ProofSettings(e.setting))
	return keys, proofs, err
}

// origins are those whose pages may call.
func (e Env) origins() ([]string, error) { return access.Origins(e.setting("ALLOWED_ORIGINS")) }

// reserved reports whether a trait's name belongs to a computed trait. Without
// a strategy none does.
func (e Env) reserved(trait string) bool {
	current, err := e.Strategy.Current(context.Background())
	if err != nil {
		return false
	}
	for _, c := range current.Computed {
		if c.Name == trait {
			return true
		}
	}
	return false
}

// outlet is where unify, advance and report send what follows from changes.
func (e Env) outlet() (people.Outlet, error) {
	bus, err := e.Bus("BUS_NAME")
	if err != nil {
		return people.Outlet{}, err
	}
	messages, err := e.Queue("MESSAGES_QUEUE_URL")
	if err != nil {
		return people.Outlet{}, err
	}
	tallies, err := e.Queue("TALLIES_QUEUE_URL")
	return people.Outlet{Bus: effects{bus}, Messages: messages, Tallies: tallies}, err
}

// effects publishes what follows from events on the bus, under Rapport's name.
type effects struct{ bus *Bus }

// Publish implements people.Bus.
func (e effects) Publish(ctx context.Context, list []people.Effect) error {
	entries := make([]BusEntry, len(list))
	for i, effect := range list {
		detail, err := json.Marshal(effect)
		if err != nil {
			return fault.New(fault.Internal, "bad_effect", "an effect cannot be written as JSON").Because(err)
		}
		entries[i] = BusEntry{Source: "rapport", DetailType: string(effect.Kind), Detail: detail}
	}
	return e.bus.Put(ctx, entries...)
}
