//go:build race

package explorer_test

const (
	randomByDefault = 200
	faultShare      = 50 // one in so many
	leastScenarios  = 400
	maxSchedules    = 12
)
