// Package resume is what it takes to go on where a run has ended: the cursor that
// keeps positions, and the command line that does it without one.
package resume
