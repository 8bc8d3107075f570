package person

import "strings"

// Address returns an e-mail address as it stands in a node: trimmed, its domain
// in lower case, the part before it as written, since only its host knows
// whether case matters there. It returns "" for what is no address, or nobody's.
func Address(text string) string {
	text = strings.TrimSpace(text)
	at := strings.LastIndexByte(text, '@')
	if at <= 0 || len(text) > 254 || strings.ContainsAny(text, " \t\r\n<>,;\"()") || !Clean(text) {
		return ""
	}
	local, domain := text[:at], strings.ToLower(text[at+1:])
	dotted := strings.Contains(domain, ".") && !strings.HasPrefix(domain, ".") && !strings.HasSuffix(domain, ".")
	if !dotted || strings.Contains(local, "@") || Junk(local) {
		return ""
	}
	return local + "@" + domain
}
