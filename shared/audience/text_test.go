package audience_test

import "testing"

// A negated constant is not the negative constant: -0 would be read back as 0.
func TestNegatedConstantKeepsItsBrackets(t *testing.T) {
	p := op("neg", number("0"))
	if got := p.String(); got != "-(0)" {
		t.Errorf("written as %s", got)
	}
}
