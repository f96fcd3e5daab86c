// Package audit counts at both ends what an upstream has emitted and what readers of
// relays were given: a [Book] knows the first, and each [Reader] holds what comes
// against it. The demo and the proof are made of it.
//
// An event says which one of its session it is, so a reader knows at once what is
// missing before it. What the upstream itself has lost is entered in the book before
// the next event is emitted: there, and only there, a reader has to be told of a gap.
//
// A book has one lock, and a reader one; neither is held while the other is taken,
// but for the book's inside the reader's.
package audit
