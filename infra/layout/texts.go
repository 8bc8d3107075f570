package layout

import (
	"bytes"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// forbidden is a text that must not stand in any file.
type forbidden struct {
	pattern *regexp.Regexp
	advice  string
}

// forbiddenTexts are secrets and traces of one machine. No pattern matches its own
// source, so that this file needs no exception.
var forbiddenTexts = []forbidden{
	{regexp.MustCompile(`\b(?:AKIA|ASIA)[0-9A-Z]{16}\b`), "looks like an AWS access key; revoke it, then remove it"},
	{regexp.MustCompile(`-----BEGIN [A-Z ]{0,30}PRIVATE KEY`), "is a private key; make keys when the test runs"},
	{regexp.MustCompile(`(?i)aws_?secret_?access_?key["']?\s*[:=]\s*["']?[A-Za-z0-9/+]{40}\b`), "looks like an AWS secret key; revoke it, then remove it"},
	{regexp.MustCompile(`\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,})`), "looks like a repository token; revoke it, then remove it"},
	{regexp.MustCompile(`\b(?:xox[abprs]-[A-Za-z0-9-]{20,}|sk_live_[A-Za-z0-9]{16,}|SG\.[\w-]{20,}\.[\w-]{20,})`), "looks like a service's token; revoke it, then remove it"},
	{regexp.MustCompile(`(?:^|[\s"'=(:,` + "`" + `])/(?:work|root|(?:home|Users)/[A-Za-z0-9._-]+)/`), "is a path of one machine; write it from the top of the repository"},
	{regexp.MustCompile(`\b[A-Z]:\\Users\\`), "is a path of one machine; write it from the top of the repository"},
	{registries(), "names a package registry; leave it to the package client's own settings"},
}

// registries matches the hosts that package clients talk to by themselves. A
// file that names one works on some networks only.
func registries() *regexp.Regexp {
	hosts := [][]string{
		{"registry", "npmjs", "org"},
		{"registry", "yarnpkg", "com"},
		{"pypi", "org"},
		{"files", "pythonhosted", "org"},
		{"proxy", "golang", "org"},
		{"sum", "golang", "org"},
		{"static", "crates", "io"},
		{"repo1", "maven", "org"},
		{"repo", "maven", "apache", "org"},
		{"deb", "debian", "org"},
	}
	var quoted []string
	for _, labels := range hosts {
		quoted = append(quoted, regexp.QuoteMeta(strings.Join(labels, ".")))
	}
	return regexp.MustCompile(`\b(?:` + strings.Join(quoted, "|") + `)\b`)
}

// texts holds the rule that no file tells a secret or depends on one machine.
func texts(t *Tree, bad report) {
	for name, data := range t.Texts {
		number := 0
		for line := range bytes.Lines(data) {
			number++
			for _, f := range forbiddenTexts {
				if f.pattern.Match(line) {
					bad(name, number, "%s", f.advice)
				}
			}
		}
	}
}

// secretName matches the names of settings whose value nobody may read.
var secretName = regexp.MustCompile(`(?i)(secret|password|token|writekey|write_key|private_?key|api_?key)`)

// templateSecrets holds the rule that template.yaml takes secrets as parameters
// that are never shown and have no default.
func templateSecrets(t *Tree, bad report) {
	template, ok := t.template(bad)
	if !ok {
		return
	}
	for name, p := range template.Parameters {
		if !secretName.MatchString(name) {
			continue
		}
		if !p.NoEcho {
			bad(templateFile, 0, "parameter %s is shown in consoles and logs; set NoEcho: true", name)
		}
		if p.Default.Kind != 0 {
			bad(templateFile, p.Default.Line, "parameter %s has a default, so every deployment would share it; remove the default", name)
		}
	}
	for id, element := range template.Resources {
		for name, value := range element.Properties.Environment.Variables {
			if secretName.MatchString(name) && isLiteral(value) {
				bad(templateFile, value.Line, "%s writes %s out; take it from a parameter with !Ref", id, name)
			}
		}
	}
}

// isLiteral reports whether the value stands in the template itself, instead of
// being referred to by a tag such as !Ref.
func isLiteral(value yaml.Node) bool {
	return value.Kind == yaml.ScalarNode && strings.HasPrefix(value.ShortTag(), "!!")
}
