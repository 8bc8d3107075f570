//go:build !race

package people_test

const (
	seedsByDefault = 100
	racing         = false
)
