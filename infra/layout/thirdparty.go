package layout

// allowance lets packages below one folder import one module, for a reason.
type allowance struct {
	folder, module, reason string
}

// allowed lists every module that rings 1 to 3 may link, because each one is
// paid for at every cold start. Ring 4 may use more; only the AWS SDK, CEL
// and MJML stay in their one place there too.
var allowed = []allowance{
	{"shared", "github.com/go-json-experiment/json", "strict JSON tokens, duplicate names seen"},
	{"shared/access", "github.com/golang-jwt/jwt/v5", "proofs are JWTs"},
	{"shared/embedded", "go.etcd.io/bbolt", "the local table is one file"},
	{"shared/liquid", "github.com/osteele/liquid", "mail is written in Liquid"},
	{"shared/liquid", "github.com/osteele/tuesday", "the date patterns of Liquid"},
	{"shared/letter", "golang.org/x/net/html", "finished mail is read as mail clients read it"},
	{"shared/aws", "github.com/aws/aws-lambda-go", "the runtime of every Lambda"},
	{"shared/aws", "github.com/awslabs/aws-lambda-go-api-proxy", "HTTP handlers behind API Gateway, repaired once in boot"},
	{"shared/aws", "github.com/aws/aws-sdk-go-v2", "the only place that knows the SDK"},
	{"shared/aws", "github.com/aws/smithy-go", "the SDK's errors"},
	{"functions", "github.com/aws/aws-lambda-go/events", "the payloads that queues and rules deliver"},
	{"infra/publish", "cel.dev/cel-go", "rules are checked when they are published, never in a Lambda"},
	{"infra/bench", "cel.dev/cel-go", "what our rules are measured against, in a module of its own"},
	{"infra/publish", "github.com/preslavrachev/gomjml", "MJML is compiled when it is published, never in a Lambda"},
	{"infra/publish", "github.com/inbucket/html2text", "the text part of a mail is made when it is published, never in a Lambda"},
}

// contained are modules that even ring 4 may import only where allowed says so.
var contained = []string{"github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go", "github.com/awslabs/aws-lambda-go-api-proxy", "cel.dev/cel-go", "github.com/preslavrachev/gomjml", "github.com/inbucket/html2text"}

// thirdParty holds the rule that what is linked into a Lambda is on the list.
func thirdParty(t *Tree, bad report) {
	for dir, p := range t.Packages {
		for _, f := range p.sources() {
			for _, i := range t.imports(f) {
				if i.dir != "" || t.isStandard(i) || isTestSupport(dir) || isAllowed(dir, i.path) {
					continue
				}
				bad(f.Path, i.line, "imports %s here; do without it, or add it to allowed in infra/layout/thirdparty.go with the reason", i.path)
			}
		}
	}
}

// isAllowed reports whether the package in the folder may import the path.
func isAllowed(dir, name string) bool {
	if isLambda(dir) {
		return within(name, "github.com/aws/aws-lambda-go") // it starts the runtime
	}
	free := ringOf(dir) == machinery
	for _, module := range contained {
		free = free && !within(name, module)
	}
	if free {
		return true
	}
	for _, a := range allowed {
		if within(dir, a.folder) && within(name, a.module) {
			return true
		}
	}
	return false
}
