// Package proc starts programs that flags name, and sees to it that what they
// have started ends with them.
package proc
