//go:build race

package send_test

const (
	randomByDefault = 300
	systematicShare = 29 // one in so many
	leastScenarios  = 400
	maxSchedules    = 25
)
