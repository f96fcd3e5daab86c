package sse_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

// A stream that has an end, such as the body of one response, is read with
// Read.
func ExampleRead() {
	body := strings.NewReader("id: 1\ndata: hello\n\nevent: bye\ndata: so long\ndata: and thanks\n\n")
	for ev, err := range sse.Read(body) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s (after id %s): %q\n", ev.Type, ev.ID, ev.Data)
	}
	// Output:
	// message (after id 1): "hello"
	// bye (after id 1): "so long\nand thanks"
}

// A decoder knows where the stream stands, also when it breaks off: the block
// that was cut short does not count, so that resuming after 8 brings it again.
func ExampleDecoder() {
	body := strings.NewReader(": welcome\n\nretry: 5000\ndata: one\n\nid: 8\ndata: two\n\nid: 9\ndata: thr")
	dec := sse.NewDecoder(body, &sse.DecoderOptions{
		LastEventID: "7",
		Comment:     func(text string) { fmt.Println("comment:", text) },
	})
	for {
		ev, err := dec.Next()
		if errors.Is(err, sse.ErrIncomplete) {
			fmt.Println("cut short; resume after", dec.LastEventID(), "in", dec.Retry())
			return
		} else if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(ev.ID, ev.HasID, ev.Data)
	}
	// Output:
	// comment: welcome
	// 7 false one
	// 8 true two
	// cut short; resume after 8 in 5s
}

func ExampleEncoder() {
	enc := sse.NewEncoder(os.Stdout)
	err := errors.Join(
		enc.Encode(sse.Event{ID: "1", HasID: true, Type: "note", Data: "two\nlines", Retry: 3 * time.Second}),
		enc.Comment("still here"),
	)
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// id: 1
	// event: note
	// retry: 3000
	// data: two
	// data: lines
	//
	// : still here
}

// A value from outside can't forge a field: it is refused, and nothing is
// written.
func ExampleEncoder_Encode_refused() {
	fromOutside := "1\ndata: forged"
	err := sse.NewEncoder(os.Stdout).Encode(sse.Event{ID: fromOutside, HasID: true, Data: "mine"})
	if e, ok := errors.AsType[*sse.FieldError](err); ok {
		fmt.Println(e.Field, e.Reason)
	}
	// Output:
	// id contains LF
}

// Events are values: they can be compared and used as keys.
func ExampleEvent() {
	seen := make(map[sse.Event]int)
	for ev := range sse.Read(strings.NewReader("data: a\n\ndata: b\n\ndata: a\n\n")) {
		seen[ev]++
	}
	fmt.Println(seen[sse.Event{Type: sse.DefaultType, Data: "a"}])
	// Output:
	// 2
}

func ExampleEvent_AppendText() {
	b, err := sse.Event{Type: "tick", Data: "12:00"}.AppendText(nil)
	fmt.Printf("%q %v\n", b, err)
	// Output:
	// "event: tick\ndata: 12:00\n\n" <nil>
}
