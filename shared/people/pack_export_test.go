package people

// For tests of how records are stored.
var (
	Pack       = pack
	Unpack     = unpack
	Dictionary = dictionary
)
