//go:build !race

package explorer_test

const (
	randomByDefault = 3_000
	faultShare      = 17 // one in so many
	leastScenarios  = 50_000
	maxSchedules    = 1 << 30
)
