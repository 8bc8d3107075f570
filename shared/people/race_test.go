//go:build race

package people_test

const (
	seedsByDefault = 50
	racing         = true
)
