//go:build !race

package explorer_test

const (
	randomByDefault = 4_000
	faultsOfScene   = 900 // schedules with a mishap that are explored of a scene
	orderShare      = 6   // one in so many orders after a mishap
	leastScenarios  = 50_000
)
