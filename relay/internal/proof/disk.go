//go:build unix

package proof

// A disk is what a node stores on. It can be full.
type disk interface {
	fill(*process) error // no byte more
	room(*process) error // as before
	remove()
}
