package strategy

// Rejoin divides a document as it is stored and puts it together again.
func Rejoin(d Document) Document { return join(divide(d)) }

// HeadBytes is how much of the edge travels in the pointer at most.
const HeadBytes = headBytes
