package layout_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// inputs are the bad inputs and attacks that the front door must withstand, each
// with what must come of it and the packages whose tests show it. A test that is
// about one of them says "row 20" in its name or in what it reports; several
// outcomes hold on ingest only, where SDKs must not be turned away whole.
var inputs = [...]struct{ input, outcome, tested string }{
	1:   {"no key", "401", "functions/collect functions/decide functions/report"},
	2:   {"unknown key", "401", "functions/collect functions/decide functions/report"},
	3:   {"write key where a secret key is needed", "403", "functions/report shared/httpapi"},
	4:   {"secret key in the URL", "400 key_in_url, logged without the key", "functions/collect functions/decide shared/httpapi"},
	5:   {"secret key from a browser", "403, logged without the key", "functions/collect functions/decide shared/httpapi"},
	6:   {"key or proof of another deployment", "401 (ADR 9)", "functions/decide"},
	7:   {"origin that is not on the list", "no CORS headers, 403 for writes", "functions/decide shared/httpapi"},
	8:   {"origin null", "refused", "functions/collect functions/decide shared/httpapi"},
	9:   {"preflight with an odd method or header", "204 without allow headers", "functions/decide shared/httpapi"},
	10:  {"origin that begins like ours", "refused", "functions/decide shared/httpapi"},
	11:  {"credentials for any origin", "never", "functions/decide shared/httpapi"},
	12:  {"a stranger sends a user id", "what nobody gets, byte for byte, and no read", "functions/decide shared/event"},
	13:  {"forged proof, alg none", "401; ingest: judged with its event", "functions/decide shared/access shared/event"},
	14:  {"public key used as a secret", "401", "functions/decide shared/access"},
	15:  {"proof expired, not yet valid, of wrong aud or iss", "401; ingest: judged with its event", "functions/collect functions/decide shared/access"},
	16:  {"proof of another user", "403; ingest: judged with its event", "functions/collect functions/decide shared/event"},
	17:  {"proof shown again, with jti too", "the same answer (ADR 9)", "functions/decide shared/access"},
	18:  {"unknown kid, kid as a path", "401, nothing looked up", "functions/decide shared/access"},
	19:  {"proof of 64 KB", "413", "functions/decide shared/access"},
	20:  {"ids tried out one by one", "the same reply and reads; 429 with Retry-After (ADR 9)", "functions/decide infra/cloud"},
	21:  {"identify without a proof", "kept as a claim, joins nothing", "shared/event"},
	22:  {"browser merges two users", "merge_refused, the event is kept", "shared/event shared/people"},
	23:  {"junk ids", "blocked; nobody's on decide", "functions/decide shared/event"},
	24:  {"too many ids of one person", "too_many_ids, the event is kept", "shared/people"},
	25:  {"alias to itself", "no change", "shared/event shared/people"},
	26:  {"alias in a circle", "one person", "shared/people"},
	27:  {"short anonymous id", "short_id; nobody's on decide", "functions/decide shared/event"},
	28:  {"control characters, lone surrogate, 2 KB in an id", "refused; nobody's on decide", "functions/decide shared/event shared/wire"},
	29:  {"ids that differ by case, form or space", "are different", "functions/hear shared/event"},
	30:  {"separators inside an id", "data", "shared/event"},
	31:  {"body too large", "413", "shared/httpapi"},
	32:  {"batch of one event too many", "413", "functions/collect shared/event"},
	33:  {"batch with one bad event", "the others are kept", "shared/event"},
	34:  {"gzip bomb", "413", "functions/decide shared/httpapi"},
	35:  {"unknown content encoding", "415", "functions/decide shared/httpapi"},
	36:  {"wrong content type", "415; ingest: ignored", "functions/collect functions/decide shared/httpapi"},
	37:  {"body that is not the base64 it claims to be", "400", "shared/aws/boot"},
	38:  {"truncated JSON", "400", "functions/collect functions/decide shared/event shared/wire"},
	39:  {"trailing JSON value", "400", "functions/decide shared/event shared/wire"},
	40:  {"names twice, folded, with a long s", "400 duplicate_or_unknown_field", "functions/collect functions/decide shared/event shared/wire"},
	41:  {"invalid UTF-8", "400", "functions/decide shared/event shared/wire"},
	42:  {"nested too deep", "400", "functions/decide shared/event shared/wire"},
	43:  {"200,000 names", "413 or 422", "shared/event shared/httpapi shared/wire"},
	44:  {"odd names", "data; empty or too long: refused", "shared/event shared/wire"},
	45:  {"odd numbers", "kept to the digit, or 422", "shared/event shared/httpapi shared/wire"},
	46:  {"NaN, Infinity", "400", "shared/event shared/wire"},
	47:  {"trait changes its type", "the latest is kept as sent, the others stay in the timeline", "shared/people"},
	48:  {"computed trait set by a client", "left out, and said", "functions/collect shared/event"},
	49:  {"person at the size limit", "profile_full, the event is kept", "shared/people"},
	50:  {"impossible timestamp", "the time of receipt, or refused", "shared/event"},
	51:  {"timestamp of long ago", "history", "shared/event"},
	52:  {"timestamp a year ahead", "the time of receipt", "shared/event"},
	53:  {"no message id", "the content names the event", "shared/event"},
	54:  {"message id with other content", "id_reused; the first stays", "shared/event shared/people"},
	58:  {"headers over 10 KB", "4xx by API Gateway, 431 here", "infra/rapport"},
	59:  {"path traversal", "404", "functions/collect functions/decide functions/report shared/httpapi"},
	60:  {"method override", "ignored", "functions/decide shared/httpapi"},
	61:  {"line break in a header", "not reflected", "shared/httpapi"},
	62:  {"markup in what people sent", "shown, never run", "functions/report shared/wire"},
	63:  {"template code in what people sent", "shown, never run", "functions/report"},
	64:  {"template without an end", "refused; ends early", "shared/liquid"},
	65:  {"what a subject needs is missing", "no mail", "shared/letter"},
	66:  {"line breaks in what a subject shows", "one line", "shared/letter"},
	67:  {"address with a line break, or two", "refused", "shared/letter"},
	68:  {"odd addresses", "refused", "shared/letter"},
	69:  {"several recipients", "refused", "shared/letter"},
	70:  {"sender with more than an address", "refused; senders are configured", "shared/letter"},
	74:  {"a machine follows links", "no touch of the customer", "functions/hear"},
	75:  {"a machine opens", "starts no journey", "functions/hear"},
	76:  {"GET or HEAD of an unsubscription", "a page, no change", "functions/prefer"},
	77:  {"POST without what the header says", "400", "functions/prefer"},
	78:  {"one click", "committed before the answer", "functions/prefer"},
	79:  {"one click, twice", "said once", "functions/prefer"},
	80:  {"forged, cut or foreign link", "400", "functions/prefer shared/link"},
	81:  {"link of a retired key", "works", "functions/prefer shared/link"},
	82:  {"an erased person unsubscribes", "200, nobody comes back", "functions/prefer shared/people"},
	84:  {"consent for somebody else by a write key", "403; ingest: ignored, and said", "functions/prefer shared/people"},
	85:  {"consent older than what is known", "changes nothing; a no wins ties", "shared/person"},
	86:  {"Sec-GPC beside a yes", "the no counts, the conflict is logged", "functions/prefer shared/people"},
	93:  {"receipt that is not theirs", "not counted, and why", "shared/insight"},
	94:  {"receipt shown again", "counts once", "shared/insight"},
	95:  {"receipt too old, or of the future", "not counted, and why", "shared/insight"},
	96:  {"event of the bus from elsewhere", "dead letter with the reason", "functions/hear functions/unify"},
	98:  {"event that answers itself", "parked after 5 hops", "functions/unify shared/people"},
	99:  {"rule with too many terms", "refused", "shared/audience"},
	100: {"audiences that ask for each other", "refused", "infra/publish"},
	101: {"export without a secret key", "403", "functions/forget"},
	102: {"erasure by a write key", "403", "functions/forget"},
	103: {"archive replayed after an erasure", "refused, and counted", "shared/people"},
	104: {"erasure of one of several identities", "all go; the receipt counts", "functions/forget"},
	105: {"people in logs", "none", "functions/collect infra/smoke"},
	106: {"secret in the repository", "the build fails", "infra/layout"},
	107: {"role that allows more than is used", "the build fails", "infra/smoke"},
	108: {"endpoint beside the firewall", "can be closed", "infra/policy"},
}

// TestInputs holds the table against the tests that it names.
func TestInputs(t *testing.T) {
	texts := map[string]string{}
	for row, in := range inputs {
		if in.tested == "" && in.input != "" {
			t.Errorf("row %d is tested nowhere", row)
		}
		mention := regexp.MustCompile(fmt.Sprintf(`[Rr]ows? ?(\d+ and )?%d\D`, row))
		for folder := range strings.FieldsSeq(in.tested) {
			if _, read := texts[folder]; !read {
				texts[folder] = testsOf(t, folder)
			}
			if !mention.MatchString(texts[folder]) {
				t.Errorf("no test of %s names row %d (%s: %s)", folder, row, in.input, in.outcome)
			}
		}
	}
}

// testsOf is the text of a package's test files.
func testsOf(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(folder), "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no tests: %v", folder, err)
	}
	var all strings.Builder
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}
