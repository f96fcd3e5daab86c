package testserver

import (
	"net/http"
	"time"
)

// A kind is one row of the table of faults: from it come the JSON form, its
// validation, the documentation, and what happens.
type kind struct {
	name  string
	stage stage
	takes []string            // parameters it can have
	needs []string            // parameters it must have
	check func(s *spec) error // looks at their values, if there is more to see than a sign; nil: no
	doc   string              // what happens

	example Fault

	answer func(h *hub, w http.ResponseWriter, r *http.Request, s *spec) (status int) // stageInstead; 0: abort
	head   func(h *hub, o *opening, s *spec)                                          // from stageHead on; the hub's lock is held
	shape  func(w wire, a *armed) wire                                                // stageShape
	strike func(c *conn, a *armed, event *[]byte) (order, error)                      // stageBody
	place  place                                                                      // where it strikes
	prey   func(c *conn, event []byte) bool                                           // what it waits for, inEvent; nil: any
	again  bool                                                                       // it may strike one connection more than once
}

// A stage is where in a connection's life a kind strikes.
type stage int

const (
	stageAccept  stage = iota // the TCP connection, before its request is known
	stageDelay                // before the response
	stageInstead              // instead of the stream
	stageHead                 // the response's head, or where its body starts
	stageShape                // how the body is written, all of it
	stageBody                 // one place in the body
)

// A place is where in the body a kind of stageBody strikes.
type place int

const (
	anywhere place = iota // between events, or between two bytes if it is due by bytes
	between               // between events
	inEvent               // on an event that is about to be written
)

// Names that the code asks for.
const (
	nameRefuse        = "refuse"
	nameResetOnAccept = "reset_on_accept"
)

// table is every kind there is, by stage.
var table = []*kind{
	{
		name: nameRefuse, stage: stageAccept, takes: []string{"for"},
		doc: "Connections are refused: the port is shut, as long as `for` says, with `always` until the fault is removed, else for 1 s; because nobody is told of a connection that the kernel refuses. " +
			"The control API is out of reach as well, unless it has an address of its own. In memory and without `for`, as many as it may strike are refused.",
		example: Refuse().For(2 * time.Second),
	},
	{
		name: nameResetOnAccept, stage: stageAccept,
		doc:     "The TCP connection is reset as soon as it is accepted. Connections to the control API on the same address count.",
		example: ResetOnAccept().Times(3),
	},
	{
		name: "no_answer", stage: stageInstead, answer: answerNever,
		doc:     "The request is taken and never answered.",
		example: NoAnswer().On("abc"),
	},
	{
		name: "slow_headers", stage: stageDelay, needs: []string{"for"},
		doc:     "The response, whatever it is, waits for that long.",
		example: SlowHeaders(3 * time.Second),
	},
	{
		name: "status", stage: stageInstead, answer: answerStatus, check: checkStatus, needs: []string{"status"}, takes: []string{"body", "contentType", "retryAfter"},
		doc:     "The answer is a status, 200 to 599, with `body` if there is one, and Retry-After in whole seconds.",
		example: Status(503).RetryAfter(2 * time.Second),
	},
	{
		name: "redirect", stage: stageInstead, answer: answerRedirect, check: checkRedirect, needs: []string{"location"}, takes: []string{"status"},
		doc: "The answer is a redirect, 307 unless `status` says 301, 302, 303 or 308. `location` is a URL or one of: `same-origin` (the stream again, with " +
			"another query), `other-port` (the same stream, on a second port), `other-host` (the same stream, under another name), `loop` (a place that redirects to itself for ever), `none` (no Location header).",
		example: Redirect(ToOtherPort),
	},
	{
		name: "accept_then_close", stage: stageInstead, answer: answerEmpty,
		doc:     "200 with the stream's headers, and the body ends cleanly before its first byte.",
		example: AcceptThenClose().Always(),
	},
	{
		name: "content_type", stage: stageHead, head: headType, takes: []string{"contentType"},
		doc:     "The stream comes with another content type, or with none.",
		example: ContentType("text/html"),
	},
	{
		name: "replay_inclusive", stage: stageHead, head: headInclusive,
		doc:     "The replay begins with the event that the client already has.",
		example: ReplayInclusive(),
	},
	{
		name: "ignore_last_event_id", stage: stageHead, head: headIgnore,
		doc:     "The connection starts live, whatever its Last-Event-ID.",
		example: IgnoreLastEventID(),
	},
	{
		name: "restart_counter", stage: stageHead, head: headRestart,
		doc:     "Before the connection starts, the server's counter begins again at 1 and all logs are empty; Sse-Run changes. Other connections stay.",
		example: RestartCounter(),
	},
	{
		name: "lose_ring", stage: stageHead, head: headLose,
		doc:     "Before the connection starts, all events of its stream are forgotten; the counter goes on.",
		example: LoseRing(),
	},
	{
		name: "gzip", stage: stageShape, head: headGzip, shape: shapeGzip,
		doc:     "The body is compressed and never flushed, whatever the client accepts: events stay in the compressor until it is full or the body ends.",
		example: Gzip(),
	},
	{
		name: "slice", stage: stageShape, shape: shapeSlice,
		doc:     "Every write carries 1 to 3 bytes.",
		example: Slice(),
	},
	{
		name: "drip", stage: stageShape, shape: shapeDrip, needs: []string{"bytes", "every"},
		doc:     "`bytes` bytes are written, then there is a pause of `every`.",
		example: Drip(16, 50*time.Millisecond),
	},
	{
		name: "line_ends", stage: stageShape, shape: shapeLineEnds, check: checkLineEnds, needs: []string{"text"},
		doc:     "Lines end with `cr`, with `crlf`, or with each of the three in turn (`mixed`).",
		example: LineEnds("crlf"),
	},
	{
		name: "bom", stage: stageShape, shape: shapeBOM,
		doc:     "The body begins with a byte order mark.",
		example: BOM(),
	},
	{
		name: "end", stage: stageBody, strike: ends(orderEnd),
		doc:     "The body ends cleanly, between two events unless it is due by bytes. With `afterTime` and `always` it is a server that rotates its connections.",
		example: Rotate(time.Minute),
	},
	{
		name: "cut", stage: stageBody, strike: ends(orderAbort),
		doc:     "The connection is closed without the end of the body. On HTTP/2 the stream is reset.",
		example: CutAfter(120),
	},
	{
		name: "cut_inside_event", stage: stageBody, place: inEvent, strike: strikeInsideEvent,
		doc:     "The next event is cut before the blank line that ends it: all its lines are whole.",
		example: CutInsideEvent().AfterEvents(3),
	},
	{
		name: "cut_inside_line", stage: stageBody, place: inEvent, strike: strikeInsideLine,
		doc:     "The next event is cut in the middle of its last line.",
		example: CutInsideLine().AfterEvents(3),
	},
	{
		name: "cut_inside_rune", stage: stageBody, place: inEvent, prey: hasRune, strike: strikeInsideRune,
		doc:     "The next event with a character of more than one byte is cut inside of that.",
		example: CutInsideRune(),
	},
	{
		name: "cut_inside_chunk_header", stage: stageBody, place: inEvent, strike: strikeInsideChunkHeader,
		doc:     "The connection is closed inside the length of the next event's chunk. Without chunks (HTTP/2, HTTP/1.0) it is a cut.",
		example: CutInsideChunkHeader().AfterEvents(3),
	},
	{
		name: "rst", stage: stageBody, strike: ends(orderReset),
		doc:     "The TCP connection is reset (on HTTP/2 with all its streams): the client may lose bytes that it has not read yet.",
		example: RST().AfterEvents(10),
	},
	{
		name: "stall", stage: stageBody, takes: []string{"for"}, strike: hushes(false),
		doc:     "The connection stays open and nothing is sent, no heartbeats either; for ever, or as long as `for` says.",
		example: Stall().AfterBytes(200),
	},
	{
		name: "stall_events", stage: stageBody, place: between, takes: []string{"for"}, strike: hushes(true),
		doc:     "Heartbeats go on and events are not sent; for ever, or as long as `for` says.",
		example: StallEvents().For(time.Minute),
	},
	{
		name: "hold", stage: stageBody, place: between, check: checkHold, takes: []string{"for", "events"}, again: true, strike: hushes(false),
		doc:     "Nothing is sent until `events` events have gathered or `for` has passed, one of which must be given; then they come in one burst.",
		example: Hold(20),
	},
	{
		name: "insert", stage: stageBody, check: checkText, needs: []string{"text"}, again: true, strike: inserts(func(s *spec) string { return s.Text }),
		doc:     "The bytes of `text` are written as they are.",
		example: Insert("retry: 5000\n\n"),
	},
	{
		name: "retry", stage: stageBody, place: between, check: checkRetry, needs: []string{"text"}, again: true, strike: inserts(func(s *spec) string { return "retry: " + s.Text + "\n\n" }),
		doc:     "A block with a retry field of that value is written: huge, negative, not a number.",
		example: Retry("99999999999999999999"),
	},
	{
		name: "invalid_utf8", stage: stageBody, place: between, again: true, strike: inserts(always("data: \xff \xc3( \xf0\x9f\x98\n\n")),
		doc:     "An event without id is written whose data is `FF 20 C3 28 20 F0 9F 98`: decoded, U+FFFD, blank, U+FFFD, `(`, blank, U+FFFD.",
		example: InvalidUTF8(),
	},
	{
		name: "nul_in_id", stage: stageBody, place: between, again: true, strike: inserts(always("id: 1\x002\ndata: NUL in id\n\n")),
		doc:     "An event with the id `1 NUL 2` is written, which a client must ignore; its data is `NUL in id`.",
		example: NULInID(),
	},
	{
		name: "endless_line", stage: stageBody, place: between, takes: []string{"bytes"}, strike: endless("data: ", "x"),
		doc:     "A data line without end, until the client leaves, or for `bytes` bytes and then a cut.",
		example: EndlessLine().AfterEvents(1),
	},
	{
		name: "endless_data", stage: stageBody, place: between, takes: []string{"bytes"}, strike: endless("", "data: x\n"),
		doc:     "Data lines without end in one event, until the client leaves, or for `bytes` bytes and then a cut.",
		example: EndlessData().AfterEvents(1),
	},
	{
		name: "repeat", stage: stageBody, again: true, place: inEvent, strike: strikeRepeat,
		doc:     "The next event is sent twice.",
		example: Repeat().Times(5),
	},
	{
		name: "drop", stage: stageBody, again: true, place: inEvent, strike: strikeDrop,
		doc:     "The next event is not sent.",
		example: Drop().AfterEvents(4),
	},
	{
		name: "reorder", stage: stageBody, again: true, place: inEvent, prey: noneLate, strike: strikeReorder,
		doc:     "The next event is sent behind the one that follows it.",
		example: Reorder(),
	},
}

// kinds is the table by name.
var kinds = func() map[string]*kind {
	m := make(map[string]*kind, len(table))
	for _, k := range table {
		m[k.name] = k
	}
	return m
}()
