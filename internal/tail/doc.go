// Package tail follows streams and does with their events what the options say:
// shows them, runs commands on them, ends where it is wanted. Each target has a
// goroutine; what comes out of them is put in order under one lock.
package tail
