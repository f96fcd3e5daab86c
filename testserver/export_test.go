package testserver

// Kinds returns the names of all kinds of fault, for tests that none is forgotten by.
func Kinds() (names []string) {
	for _, k := range table {
		names = append(names, k.name)
	}
	return names
}
