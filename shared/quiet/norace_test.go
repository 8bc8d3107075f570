//go:build !race

package quiet_test

const journeysOfAYear = 10_000
