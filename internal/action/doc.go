// Package action runs a command for each event. No shell is between: the event is
// on standard input and in the environment, never in the arguments.
package action
