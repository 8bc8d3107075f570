//go:build race

package quiet_test

const journeysOfAYear = 1_000
