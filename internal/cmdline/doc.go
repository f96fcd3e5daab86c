// Package cmdline is how a command line is declared, read and explained: flags in
// groups, all that is wrong with them named at once, suggestions for what was
// misspelt, the help and the table of flags.
package cmdline
