//go:build race

package explorer_test

const (
	randomByDefault = 200
	faultsOfScene   = 10 // schedules with a mishap that are explored of a scene
	orderShare      = 50 // one in so many orders after a mishap
	leastScenarios  = 1_000
)
