package hear

import "strings"

// machines are parts of the names by which programs fetch pictures and links:
// proxies of mailbox providers, which load every picture whether anybody reads
// the mail or not, scanners that look for harm, and programs that do not claim
// to be browsers. In lower case.
var machines = []string{
	"googleimageproxy", "yahoomailproxy", "barracuda", "proofpoint", "mimecast", "safelinks", "urldefense", "mailscanner",
	"bot/", "bot;", "crawler", "spider", "scanner", "preview", "prefetch",
	"curl/", "wget/", "python", "java/", "go-http-client", "okhttp", "libwww", "axios/", "node-fetch",
}

// machine reports whether a program looked, as far as its name tells. A scanner
// that calls itself a browser passes for a person; no list can change that.
func machine(agent string) bool {
	agent = strings.ToLower(strings.TrimSpace(agent))
	// Apple's mail privacy fetches every picture under this bare name.
	if agent == "" || agent == "mozilla/5.0" {
		return true
	}
	for _, name := range machines {
		if strings.Contains(agent, name) {
			return true
		}
	}
	return false
}
