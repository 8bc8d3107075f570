package main

import (
	"fmt"
	"math"
	"runtime"
	"syscall"
	"time"
)

// Each contestant works for a round at a time, in turn with the others, so that
// whatever else the machine does meets all of them alike. The best round counts.
const (
	rounds = 9
	round  = 40 * time.Millisecond // of CPU time
)

// spent is what one piece of work took.
type spent struct {
	nanoseconds float64 // of CPU time, the best round
	allocations float64
}

// measure lets them work in turn.
func measure(all []contestant) ([]spent, error) {
	out := make([]spent, len(all))
	times := make([]int, len(all))
	for i, one := range all {
		if !one.do() {
			return nil, fmt.Errorf("%s comes to another result", one.name)
		}
		for times[i] = 1; cpu(one.do, times[i]) < round; times[i] *= 2 {
		}
		out[i] = spent{math.Inf(1), allocations(one.do)}
	}
	for range rounds {
		for i, one := range all {
			out[i].nanoseconds = min(out[i].nanoseconds, float64(cpu(one.do, times[i]))/float64(times[i]))
		}
	}
	return out, nil
}

// cpu is the processor's time for doing it n times, collecting garbage included.
func cpu(do func() bool, n int) time.Duration {
	before := processTime()
	for range n {
		do()
	}
	return processTime() - before
}

func processTime() time.Duration {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		return 0 // it knows no other error than a wrong argument
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

func allocations(do func() bool) float64 {
	const n = 1000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range n {
		do()
	}
	runtime.ReadMemStats(&after)
	return math.Floor(float64(after.Mallocs-before.Mallocs) / n)
}
