package main

import (
	"strings"
	"testing"
)

func TestInvokeSaysWhatToDo(t *testing.T) {
	t.Chdir("../..")
	for want, args := range map[string][]string{
		"there is no event gone.json":           {"invoke", "decide", "gone.json"},
		`there is no function "nobody": name`:   {"invoke", "nobody", "events/decide/anonymous.json"},
		`there is no function "": name one of `: {"invoke", "", "events/decide/anonymous.json"},
	} {
		var out, errs strings.Builder
		code := realMain(t.Context(), args, terminal{in: strings.NewReader(""), out: &out, err: &errs})
		if code != exitProblems || !strings.Contains(errs.String(), want) || out.Len() > 0 {
			t.Errorf("%v: exit code %d: %s", args, code, errs.String())
		}
	}
}
