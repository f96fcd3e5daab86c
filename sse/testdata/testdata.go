// Package testdata holds the vectors, so that other tests and tools than those of
// package sse read the same files; see the README.
package testdata

import "embed"

//go:embed *.txt
var Files embed.FS
