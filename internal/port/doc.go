// Package port is a listener that can be shut for a while: its owner goes on, and who
// dials is refused. It knows its connections, so that all can be cut.
//
// It calls package net alone. Each port has one lock, under which nothing is accepted,
// written or waited for.
package port
