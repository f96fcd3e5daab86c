//go:build !unix

package main

// onStatsSignal does nothing: there is no such signal here.
func (w *follower) onStatsSignal() (stop func()) { return func() {} }
