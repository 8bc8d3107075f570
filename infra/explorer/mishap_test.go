package explorer_test

import (
	"errors"
	"slices"
)

// mishap is what goes wrong with one remote call.
type mishap byte

// The mishaps. A process that is slow stands still for longer than any lease, as
// a frozen sandbox does. What is late has an effect after the caller gave it up:
// soon, while all others are at work, or when they think that all is over.
const (
	fine mishap = iota
	lostRequest
	lostReply
	twice
	slowBefore
	slowAfter
	crashBefore
	crashAfter
	lateSoon
	lateLast
	throttled // by the mail service
	rejected  // by the mail service
	mishaps
)

var mishapNames = [...]string{
	"fine", "lost-request", "lost-reply", "twice", "slow-before", "slow-after",
	"crash-before", "crash-after", "late-soon", "late-last", "throttled", "rejected",
}

func (m mishap) String() string { return mishapNames[m] }

// letter stands for the mishap in a schedule.
func (m mishap) letter() byte { return "-rptbaxyslhj"[m] }

func mishapOf(letter byte) mishap {
	for m := range mishaps {
		if m.letter() == letter {
			return m
		}
	}
	panic("no mishap has the letter " + string(letter))
}

// fits reports whether the mishap can befall the call. That the network asks for
// one mail twice is left out: no sender can tell, and the SDK is told not to. Of
// a read, no effect can be late or come twice, and its reply is as good as its
// request.
func (m mishap) fits(call string) bool {
	switch call {
	case "begin":
		return m == fine
	case "mail":
		return m != twice
	case "get", "query":
		return slices.Contains([]mishap{fine, lostRequest, slowBefore, slowAfter, crashBefore}, m)
	}
	return m != throttled && m != rejected
}

func (m mishap) slow() bool { return m == slowBefore || m == slowAfter }

// harmless mishaps keep no mail from going out: the mail service refused it for
// now, or a single call to anything else is to be made again.
func (m mishap) harmless(call string) bool {
	return m == throttled || m == twice || call != "mail" && (m == lostRequest || m == lostReply)
}

var (
	errNetwork = errors.New("the connection was lost")
	errDead    = errors.New("the process is no more") // nobody hears it
)
