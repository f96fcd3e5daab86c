package sse

import (
	"net/http"
	"net/textproto"
	"sync"
	"sync/atomic"
	"time"

	"github.com/OneStepAt4time/resilient-sse/client"
	"gopkg.in/cenkalti/backoff.v1"
)

// ConnCallback is told of a connection that was opened or lost.
type ConnCallback func(c *Client)

// ResponseValidator decides in place of the status and the content type whether
// a response is the stream. Its error is a failed attempt, retried unless it was
// made by the Permanent of a backoff package. The body of a refused response is
// closed for it.
type ResponseValidator func(c *Client, resp *http.Response) error

// A Client follows streams of one URL. Make it with [NewClient]. Its methods are
// safe for concurrent use.
//
// Its fields are read when a subscription begins, and all but Connection and
// ReconnectStrategy again before each attempt. They may be set before
// subscribing, in a callback of the only subscription, and at any time in
// [Client.Update].
type Client struct {
	Retry time.Time // not used

	// ReconnectStrategy says how long to wait before the next attempt, and when to
	// give up; subscriptions that run at once share it. It is reset when an outage
	// begins. Nil means 1 s growing to 30 s, with jitter, giving up 15 minutes into
	// an outage.
	ReconnectStrategy backoff.BackOff

	// Headers are sent with each request, though not to another origin that it is
	// redirected to. A Last-Event-ID is where the first subscription to a stream
	// begins.
	Headers map[string]string

	ReconnectNotify   backoff.Notify    // none; told of each failure, and of the wait that follows
	ResponseValidator ResponseValidator // none

	// Connection sends the requests; nil means the engine's own. Its Timeout bounds
	// the opening of a stream and does not end it.
	Connection *http.Client

	URL string // http or https

	// LastEventID is a []byte: at first where to begin, if it is set, and then the
	// position of the subscription that moved last. A handler's event is behind it
	// when the handler is called, and a channel's while it is offered: should nobody
	// take it, the position goes back. What a subscription has left here is never
	// sent for another stream.
	LastEventID atomic.Value

	EncodingBase64 bool // data is base64; what is not arrives as it was sent

	// Connected tells whether any stream is open. It changes before a callback is
	// called; other goroutines read it in [Client.Update].
	Connected bool

	maxEventSize int // 0: the engine's
	tune         func(*client.Options)

	mu            sync.Mutex // guards what follows, and our use of the fields
	onConnect     ConnCallback
	onDisconnect  ConnCallback
	onEnd         func(ch chan *Event, err error)
	open          int // streams
	subscriptions map[chan *Event]map[*subscription]bool
	positions     map[string]string // by stream
	ours          []byte            // what we have put into LastEventID

	strategyAccess sync.Mutex
}

// NewClient returns a client for the streams at a URL, changed by the options.
func NewClient(url string, opts ...func(c *Client)) *Client {
	c := &Client{URL: url, Connection: &http.Client{}, Headers: map[string]string{}}
	for _, opt := range opts {
		opt(c)
	}
	return c
}

// ClientMaxBufferSize is an option that limits one event, in bytes, instead of
// 16 MiB. One that is longer ends the subscription with a *LimitError of this
// module's package sse.
func ClientMaxBufferSize(s int) func(c *Client) {
	return func(c *Client) { c.maxEventSize = s }
}

// ClientTune is an option that r3labs does not have: tune may set the engine's
// options for each subscription, such as Timeouts, Breaker, Cursor or Observer.
// What the client has a field for is then taken from there.
func ClientTune(tune func(o *client.Options)) func(c *Client) {
	return func(c *Client) { c.tune = tune }
}

// OnConnect sets what is called when a stream is open, each time, before its
// first event.
func (c *Client) OnConnect(fn ConnCallback) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onConnect = fn
}

// OnDisconnect sets what is called when an open stream has ended, for whatever
// reason: once for each connection.
func (c *Client) OnDisconnect(fn ConnCallback) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onDisconnect = fn
}

// OnEnd sets what r3labs does not have: fn is called when a subscription of a
// channel is over, once for each SubscribeChan that returned nil. The error says
// why, as [Client.SubscribeWithContext] would; it is nil after Unsubscribe. Nothing
// is sent on the channel any more, so fn may close it.
func (c *Client) OnEnd(fn func(ch chan *Event, err error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onEnd = fn
}

// Update is what r3labs does not have: it calls change while no subscription
// looks at the client's fields, so that they can be changed and read by any
// goroutine. Change must call no method of the client.
func (c *Client) Update(change func(c *Client)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c)
}

// settings are the client's fields as one attempt sees them; the last four as the
// subscription does.
type settings struct {
	url            string
	headers        map[string]string // by canonical name, without Last-Event-ID
	firstID        string            // that Last-Event-ID
	notify         backoff.Notify
	validate       ResponseValidator
	encodingBase64 bool

	connection   *http.Client
	strategy     backoff.BackOff
	maxEventSize int
	tune         func(*client.Options)
}

func (c *Client) settings() settings {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := settings{url: c.URL, headers: make(map[string]string, len(c.Headers)),
		notify: c.ReconnectNotify, validate: c.ResponseValidator, encodingBase64: c.EncodingBase64,
		connection: c.Connection, strategy: c.ReconnectStrategy, maxEventSize: c.maxEventSize, tune: c.tune}
	for k, v := range c.Headers {
		s.headers[textproto.CanonicalMIMEHeaderKey(k)] = v
	}
	s.firstID = s.headers[lastEventID]
	delete(s.headers, lastEventID)
	return s
}

const lastEventID = "Last-Event-Id" // as net/http spells it

func (s settings) header() http.Header {
	h := make(http.Header, len(s.headers))
	for k, v := range s.headers {
		h.Set(k, v)
	}
	return h
}
