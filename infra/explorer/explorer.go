// Package explorer holds no code of the product: its tests play the protocol by
// which an event makes one mail, and no second one. The real unify, advance, send
// and hear meet on the embedded table; SES and the queues are the explorer's, and
// so is the clock. One remote call happens at a time, and the explorer chooses
// whose: it visits every order in which two deliveries can make their calls, with
// every mishap at every call, and judges how each of these scenarios ends.
//
//	go test ./infra/explorer              a sample of them, within seconds
//	go test ./infra/explorer -many        50,000 of them, within half a minute: make explore
//	go test ./infra/explorer -whole       all of them
//	go test ./infra/explorer -seed 2      other random ones
//	go test ./infra/explorer -replay '…'  one of them, as a failure names it, step by step
package explorer
