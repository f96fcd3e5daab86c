// Package fault has what can go wrong between a server of event streams and its
// clients, as values: kinds of faults, which connections they strike, when and how
// often, and what they do to the bytes.
//
//	fault.CutInsideEvent().AfterEvents(2)
//	fault.Status(503).RetryAfter(2 * time.Second).Conn(2)
//	fault.Repeat().On("abc").Probability(0.1).Always()
//
// A [Fault] is a value, and its JSON mirrors Go: what the control API of package
// testserver takes. [Kinds] lists them all. A value that makes no sense is refused with
// a [*FieldError] when the fault is put in force; an argument of zero means zero.
//
// # Which connections
//
// Conditions ([Fault.On], [Fault.Path], [Fault.Method], [Fault.Header],
// [Fault.WithoutHeader]) say which requests a fault may strike. There is one count for
// all kinds: [Fault.Conn] with n is the n-th GET or POST that the other conditions
// fit, since the fault is in force, whatever becomes of that request. Kinds that act
// before there is a request ([Refuse], [ResetOnAccept]) refuse such conditions. HEAD
// and OPTIONS are neither counted nor struck. A fault that can do nothing on a
// connection (the replay of one that does not resume) is not used up by it.
//
// # When
//
// Kinds that concern the body strike behind what the connection begins with, or once
// all triggers have come ([Fault.AfterEvents], [Fault.AfterBytes],
// [Fault.AfterTime]), or at one event ([Fault.EventID], [Fault.EventType]).
//
// Kinds combine. What ends a connection ([End], [Cut], [RST]) does so also while a
// stall, a hold, a latency or a drip waits. An event that one fault has withheld is
// offered to no other. Shapes act in a fixed order on what the others leave:
// [Latency], [Drip], [BOM], [LineEnds], [Gzip], [Slice]; AfterBytes and Drip count the
// bytes before the last four of them. Of two shapes of one kind the first acts.
//
// What is removed stops: a stall goes on, a request without an answer is served, what
// is endless is cut.
//
// # Chance
//
// [Fault.Probability] and the shapes take random numbers from the seed of their
// [Set], the fault's number and the count of the connection: what one connection
// draws does not depend on how fast another one is served.
//
// # For servers
//
// A [Set] holds the faults in force, and a [Conn] decides what becomes of one request:
// the server tells it how far it is ([Progress]) and is told what to do next ([Step]).
// Nothing here writes, and this package knows no server. A set has one lock, which
// guards the faults and its connections; under it nobody is called but the set's
// listener.
package fault
