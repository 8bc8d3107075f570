//go:build !race

package people_test

const (
	seedsByDefault    = 1000
	switchesByDefault = 3
)
