//go:build !race

package send_test

const (
	randomByDefault = 15_000
	systematicShare = 5 // one in so many
	leastScenarios  = 50_000
	maxSchedules    = 1 << 30
)
