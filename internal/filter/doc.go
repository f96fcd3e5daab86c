// Package filter decides what to do with an event, by its kind and by jq
// expressions: show it, show something else, stop.
package filter
