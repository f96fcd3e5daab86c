// Package aegis is what real Aegis servers send, as far as it differs from what package
// server sends: frames, answers to what gets no stream, and headers. It is measured, on
// versions 1.3.3 and 0.6.6 (which is the newer one); the recordings are the tests'.
//
// It knows the hub's forms of a frame and of a refusal, keeps nothing, and has no lock.
package aegis
