// Package record keeps events with their times, and gives them back: a file of JSON
// lines, one an event.
//
//	{"time":"2026-05-04T12:30:45.678901Z","id":"17","type":"message","data":"…"}
//
// The time is when the event was received, and always as long as that. The member id
// is there where the event's own block carried one, empty too; type is the SSE type,
// left out where it is message; data is the data as a string. A file of several
// streams has a member stream.
package record
