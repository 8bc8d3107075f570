package letter

import (
	"net/mail"
	"net/url"
	"regexp"
	"strings"

	"rapport/shared/fault"
)

var (
	localPattern = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$")
	labelPattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)
	digits       = regexp.MustCompile(`^[0-9]+$`)
)

// CheckAddress refuses what is not exactly one address that SES delivers to. It
// knows no names, lists, quotes, comments and IP addresses, and no letters
// beyond ASCII: a domain with such letters is written in punycode.
func CheckAddress(address string) error {
	refused := fault.New(fault.Invalid, "render_address", "this is no e-mail address that mail can be sent to: write it like customer@example.com")
	local, domain, _ := strings.Cut(address, "@")
	labels := strings.Split(domain, ".")
	if len(address) > 254 || len(local) > 64 || !localPattern.MatchString(local) || len(labels) < 2 {
		return refused
	}
	for _, label := range labels {
		if !labelPattern.MatchString(label) {
			return refused
		}
	}
	if digits.MatchString(labels[len(labels)-1]) {
		return refused
	}
	if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address {
		return refused
	}
	return nil
}

// webLink returns the address when it leads to a web page, else "".
func webLink(address string) string {
	u, err := url.Parse(address)
	if err != nil || len(address) > 2048 || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return ""
	}
	return address
}

// secureLink reports whether the address may stand in List-Unsubscribe: https,
// or this very machine while one tries things out.
func secureLink(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || strings.ContainsAny(address, "<>,\" ") {
		return false
	}
	local := u.Hostname() == "127.0.0.1" || u.Hostname() == "localhost" || u.Hostname() == "::1"
	return u.Scheme == "https" || u.Scheme == "http" && local
}
