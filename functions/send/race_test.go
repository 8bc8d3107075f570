//go:build race

package send_test

const (
	randomByDefault = 300
	systematicShare = 100 // one in so many
	leastScenarios  = 500
)
