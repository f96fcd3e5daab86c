//go:build !unix

package tail

// onStatsSignal does nothing: there is no such signal here.
func (w *Follower) onStatsSignal() (stop func()) { return func() {} }
