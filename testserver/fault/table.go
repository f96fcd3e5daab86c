package fault

import "time"

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

	answer func(s *spec) *Answer        // stageInstead
	head   func(o *Opening, s *spec)    // stageHead and stageShape, over the response's head; nil: nothing
	can    func(o *Opening) bool        // whether head would change anything; nil: always
	pace   func(c *Conn, a *armed)      // stageShape: it is about time
	shape  func(a *armed, out Out) Out  // stageShape: it is about bytes
	strike striker                      // stageBody
	place  place                        // where it strikes
	ends   bool                         // it ends the connection, and does so also during a pause
	prey   func(c *Conn, b []byte) bool // the events it waits for, inEvent; nil: any
	again  bool                         // it may strike one connection more than once
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

// Kinds that concern the port, which whoever owns it asks for by name.
const (
	KindRefuse        = "refuse"
	KindResetOnAccept = "reset_on_accept"
)

// table is every kind there is, by stage. Shapes stand in the order in which they
// act, whatever the order in which they were put in force.
var table = []*kind{
	{
		name: KindRefuse, stage: stageAccept, takes: []string{"for"},
		doc: "Connections are refused: the port is shut, as long as `for` says, with `always` until the fault is removed, else for 1 s; because nobody is told of a connection that the kernel refuses. " +
			"A control API on the same address is out of reach as well, so it refuses `always`. In memory and without `for`, as many as `times` says are refused; on a socket `times` is an error.",
		example: Refuse().For(2 * time.Second),
	},
	{
		name: KindResetOnAccept, stage: stageAccept,
		doc:     "The TCP connection is reset as soon as it is accepted. Connections to the control API on the same address count.",
		example: ResetOnAccept().Times(3),
	},
	{
		name: "no_answer", stage: stageInstead, answer: answerNever,
		doc:     "The request is taken and not answered, until the fault is removed or the client leaves. Removed, it is served.",
		example: NoAnswer().On("abc"),
	},
	{
		name: "slow_headers", stage: stageDelay, needs: []string{"for"},
		doc:     "The response, whatever it is, waits for that long, or until the fault is removed.",
		example: SlowHeaders(3 * time.Second),
	},
	{
		name: "status", stage: stageInstead, answer: answerStatus, check: checkStatus, needs: []string{"status"}, takes: []string{"body", "contentType", "setHeader", "retryAfter", "retryAfterDate"},
		doc:     "The answer is a status, 200 to 599, with `body` if there is one, and Retry-After in whole seconds or as a date.",
		example: Status(503).RetryAfter(2 * time.Second),
	},
	{
		name: "redirect", stage: stageInstead, answer: answerRedirect, check: checkRedirect, needs: []string{"location"}, takes: []string{"status", "setHeader", "retryAfter", "retryAfterDate"},
		doc: "The answer is a redirect, 307 unless `status` says 301, 302, 303 or 308. `location` is a URL or one of: `same-origin` (the stream again, with " +
			"another query), `other-port` (the same stream, on a second port), `other-host` (the same stream, under another name), `loop` (a place that redirects to itself for ever), `none` (no Location header).",
		example: Redirect(ToOtherPort),
	},
	{
		name: "accept_then_close", stage: stageInstead, answer: answerEmpty, takes: []string{"setHeader"},
		doc:     "200 with the stream's headers, and the body ends cleanly before its first byte.",
		example: AcceptThenClose().Always(),
	},
	{
		name: "content_type", stage: stageHead, head: headType, takes: []string{"contentType", "setHeader"},
		doc:     "The stream comes with another content type, or with none.",
		example: ContentType("text/html"),
	},
	{
		name: "response_header", stage: stageHead, head: headHeader, needs: []string{"setHeader"},
		doc:     "The stream comes with other headers; an empty value takes one away.",
		example: ResponseHeader("Cache-Control", "max-age=60"),
	},
	{
		name: "ignore_last_event_id", stage: stageHead, head: headIgnore, can: asksForAny,
		doc:     "The connection starts live, whatever its Last-Event-ID. It strikes requests that have one.",
		example: IgnoreLastEventID(),
	},
	{
		name: "replay_inclusive", stage: stageHead, head: headInclusive, can: resumes,
		doc:     "The replay begins with the event that the client already has. It strikes where that event is still there.",
		example: ReplayInclusive(),
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
		name: "latency", stage: stageShape, pace: paceLatency, needs: []string{"for"}, takes: []string{"jitter"},
		doc:     "Each event comes `for` after it was published, and a random time of up to `jitter` later. Their order stays.",
		example: Latency(200*time.Millisecond, 50*time.Millisecond),
	},
	{
		name: "drip", stage: stageShape, pace: paceDrip, check: checkDrip, needs: []string{"bytes", "every"},
		doc:     "`bytes` bytes are written, as they are before the other shapes, then there is a pause of `every`.",
		example: Drip(16, 50*time.Millisecond),
	},
	{
		name: "bom", stage: stageShape, shape: shapeBOM,
		doc:     "The body begins with a byte order mark.",
		example: BOM(),
	},
	{
		name: "line_ends", stage: stageShape, shape: shapeLineEnds, check: checkLineEnds, needs: []string{"text"},
		doc:     "Lines end with `cr`, with `crlf`, or with each of the three in turn (`mixed`).",
		example: LineEnds("crlf"),
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
		name: "end", stage: stageBody, strike: ends(EndCleanly), ends: true,
		doc:     "The body ends cleanly, between two events unless it is due by bytes. With `afterTime` and `always` it is a server that rotates its connections.",
		example: Rotate(time.Minute),
	},
	{
		name: "cut", stage: stageBody, strike: ends(EndCut), ends: true,
		doc:     "The connection is closed without the end of the body. On HTTP/2 the stream is reset.",
		example: CutAfter(120),
	},
	{
		name: "cut_inside_event", stage: stageBody, place: inEvent, strike: cutsAt(insideEvent),
		doc:     "The next event is cut before the blank line that ends it: all its lines are whole.",
		example: CutInsideEvent().AfterEvents(3),
	},
	{
		name: "cut_inside_line", stage: stageBody, place: inEvent, strike: cutsAt(insideLine),
		doc:     "The next event is cut in the middle of its last line.",
		example: CutInsideLine().AfterEvents(3),
	},
	{
		name: "cut_inside_rune", stage: stageBody, place: inEvent, prey: hasRune, strike: cutsAt(insideRune),
		doc:     "The next event with a character of more than one byte is cut inside of that.",
		example: CutInsideRune(),
	},
	{
		name: "cut_inside_chunk_header", stage: stageBody, place: inEvent, strike: cutsChunkHeader,
		doc:     "The connection is closed inside the length of the next event's chunk. Without chunks (HTTP/2, HTTP/1.0) it is a cut.",
		example: CutInsideChunkHeader().AfterEvents(3),
	},
	{
		name: "rst", stage: stageBody, strike: ends(EndReset), ends: true,
		doc:     "The TCP connection is reset (on HTTP/2 with all its streams): the client may lose bytes that it has not read yet.",
		example: RST().AfterEvents(10),
	},
	{
		name: "stall", stage: stageBody, takes: []string{"for"}, strike: hushes(false),
		doc:     "The connection stays open and nothing is sent, no heartbeats either; until the fault is removed, or as long as `for` says.",
		example: Stall().AfterBytes(200),
	},
	{
		name: "stall_events", stage: stageBody, place: between, takes: []string{"for"}, strike: hushes(true),
		doc:     "Heartbeats go on and events are not sent; until the fault is removed, or as long as `for` says.",
		example: StallEvents().For(time.Minute),
	},
	{
		name: "hold", stage: stageBody, place: between, check: checkHold, takes: []string{"for", "events"}, again: true, strike: hushes(false),
		doc:     "Nothing is sent until `events` events have gathered or `for` has passed, one of which must be given; then they come in one burst.",
		example: Hold(20),
	},
	{
		name: "insert", stage: stageBody, check: checkText, needs: []string{"text"}, again: true, strike: inserts(textOf("", "")),
		doc:     "The bytes of `text` are written as they are.",
		example: Insert("retry: 5000\n\n"),
	},
	{
		name: "retry", stage: stageBody, place: between, check: checkRetry, needs: []string{"text"}, again: true, strike: inserts(textOf("retry: ", "\n\n")),
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
		name: "repeat", stage: stageBody, again: true, place: inEvent, strike: repeats,
		doc:     "The next event is sent twice.",
		example: Repeat().Times(5),
	},
	{
		name: "drop", stage: stageBody, again: true, place: inEvent, strike: drops,
		doc:     "The next event is not sent.",
		example: Drop().AfterEvents(4),
	},
	{
		name: "reorder", stage: stageBody, again: true, place: inEvent, prey: noneLate, strike: reorders,
		doc:     "The next event is sent behind the one that follows it. One that nothing follows is sent where the body ends.",
		example: Reorder(),
	},
}

// kinds is the table by name.
var kinds = make(map[string]*kind, len(table))

func init() {
	for _, k := range table {
		kinds[k.name] = k
	}
}

// A Row is what is to be known of one kind.
type Row struct {
	Kind    string   `json:"kind"`
	Doc     string   `json:"doc"`
	Needs   []string `json:"needs"`   // parameters that must be there
	Members []string `json:"members"` // all that it can have
	Example Fault    `json:"example"`
}

// Kinds returns all kinds, in the order in which a connection meets them.
func Kinds() []Row {
	rows := make([]Row, 0, len(table))
	for _, k := range table {
		rows = append(rows, Row{k.name, k.doc, append([]string{}, k.needs...), k.members(), k.example})
	}
	return rows
}
