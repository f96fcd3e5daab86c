// Package system is what a command touches of the world: its arguments, streams,
// terminal, environment and signals. Tests bring their own.
package system
