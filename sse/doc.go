// Package sse reads and writes the text/event-stream format of the WHATWG HTML
// standard, section 9.2 "Server-sent events". It knows the format and nothing
// else: no network, no clock, no reconnecting. Package client has those.
//
// # Reading
//
// A [Decoder] turns bytes into events, exactly as the standard's section 9.2.6
// says. What that means where other readers differ:
//
//   - The bytes are UTF-8. One leading byte order mark is dropped. An invalid
//     sequence becomes U+FFFD, one for each maximal subpart, as the WHATWG
//     Encoding standard counts them.
//   - A line ends with LF, CR or CRLF, in any mix. A CR ends its line at once;
//     nobody waits to see whether an LF follows.
//   - A block without a data line is not an event. A data line without a value
//     is one: an event whose Data is empty.
//   - An id moves the last event ID when its block is complete, even if the
//     block has no data. An empty id resets it. An id with a NUL is ignored.
//   - A block that the end of the stream cuts short is dropped together with
//     its id, so that resuming brings it again, whole.
//
// Memory is bounded by [DecoderOptions.MaxEventSize], and time is linear in the
// bytes read, however they are cut into reads.
//
// # Writing
//
// An [Encoder] writes each event with a single Write. A field that the format
// can't carry is refused with a [*FieldError]; nothing is altered silently, so
// a value from outside can't forge a field (the class of CVE-2026-33128).
//
// Data is the one field with lines of its own. The format has no way to tell
// which line end separated them, so LF, CR and CRLF in Data all arrive as LF.
//
// # Vectors
//
// The folder testdata holds vectors of streams and what they decode to, with a
// README, for implementations in any language.
package sse
