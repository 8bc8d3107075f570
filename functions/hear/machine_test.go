package hear_test

import (
	"bytes"
	"testing"
)

func TestMachinesAreKnownByTheirNames(t *testing.T) {
	cases := map[string]bool{
		"":            true,
		" ":           true,
		"Mozilla/5.0": true,
		"Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)": true,
		"YahooMailProxy; https://help.yahoo.com/":                                                   true,
		"Mozilla/5.0 (compatible; Barracuda Sentinel)":                                              true,
		"Mozilla/5.0 (compatible; ExampleBot/1.0; +https://example.com/bot)":                        true,
		"python-requests/2.32": true,
		"Go-http-client/1.1":   true,
		agent:                  false,
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36":          false,
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/148.0.0.0 Safari/537.36":            false,
		"Mozilla/4.0 (compatible; ms-office; MSOffice 16)":                                                                         false,
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)":                                 false,
		"Mozilla/5.0 (Linux; Android 9; CUBOT_POWER) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36": false,
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Thunderbird/140.0":                                     false,
	}
	w := open(t)
	for name, want := range cases {
		w.ingest.messages = nil
		w.batch(happened{id: "e1", kind: "Open", message: cart, at: noon, part: map[string]any{"userAgent": name}}.String())
		told := w.told()
		if len(told) != 1 || bytes.Contains(told[0].Properties, []byte(`"machine":true`)) != want {
			t.Errorf("%q: machine is not %v: %+v", name, want, told)
		}
	}
}
