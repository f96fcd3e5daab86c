package testserver

// TB is what a server needs of a [testing.TB]. It is small so that a program
// that uses [Start] doesn't link package testing.
type TB interface {
	Helper()
	Cleanup(func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	Failed() bool
}
