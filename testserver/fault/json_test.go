package fault_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/OneStepAt4time/resilient-sse/testserver/fault"
)

func TestFaultsInJSON(t *testing.T) {
	faults := []fault.Fault{
		fault.Refuse().For(time.Second), fault.NoAnswer().Method("POST").WithoutHeader("Last-Event-ID"), fault.SlowHeaders(0),
		fault.RST().AfterTime(0).Times(0), fault.Stall().For(time.Hour).EventID("7"), fault.StallEvents().Header("A", "b").Header("C", "*"),
		fault.Hold(3).On("abc").Conn(7).Times(3).Probability(0.25), fault.Latency(time.Second, time.Millisecond).Path("/x"),
		fault.CutAfter(1 << 40).AfterEvents(0).Always(), fault.Status(429).RetryAfterDate(time.Minute).SetHeader("X", "y"),
		fault.ContentType(""), fault.Cut().Probability(0).EventType("ended"),
	}
	for _, row := range fault.Kinds() {
		faults = append(faults, row.Example)
	}
	for _, flt := range faults {
		b, err := json.Marshal(flt)
		if err != nil {
			t.Fatal(err)
		}
		var back fault.Fault
		if err := json.Unmarshal(b, &back); err != nil {
			t.Errorf("%s: %v", b, err)
		}
		if again, _ := json.Marshal(back); string(again) != string(b) {
			t.Errorf("%s became %s", b, again)
		}
	}
}

func TestOtherFormsOfJSON(t *testing.T) {
	for _, tt := range []struct {
		json string
		want fault.Fault
	}{
		{`{"kind":"stall","for":1500}`, fault.Stall().For(1500 * time.Millisecond)},
		{`{"kind":"stall","for":0.5}`, fault.Stall().For(500 * time.Microsecond)},
		{`{"kind":"stall","for":null,"stream":null,"times":null,"header":null}`, fault.Stall()},
	} {
		var got fault.Fault
		if err := json.Unmarshal([]byte(tt.json), &got); err != nil || got.String() != tt.want.String() {
			t.Errorf("%s: got %v, %v, want %v", tt.json, got, err, tt.want)
		}
	}
}

func TestBadFaults(t *testing.T) {
	for _, tt := range []struct{ json, field string }{
		{`{}`, "kind"},
		{`[]`, ""},
		{`"cut"`, ""},
		{`{"kind":"cut"`, ""},
		{`{"kind":"nonsense"}`, "kind"},
		{`{"kind":7}`, "kind"},
		{`{"Kind":"cut"}`, "Kind"},
		{`{"kind":"cut","kind":"cut"}`, "kind"},
		{`{"kind":"cut","header":{"A":"b","A":"c"}}`, "header.A"},
		{`{"kind":"cut","unknown":1}`, "unknown"},
		{`{"kind":"cut","status":500}`, "status"},
		{`{"kind":"cut","for":"1s"}`, "for"},
		{`{"kind":"cut","afterBytes":"12"}`, "afterBytes"},
		{`{"kind":"cut","afterBytes":1.5}`, "afterBytes"},
		{`{"kind":"cut","afterBytes":-1}`, "afterBytes"},
		{`{"kind":"cut","afterTime":1e300}`, "afterTime"},
		{`{"kind":"cut","afterTime":true}`, "afterTime"},
		{`{"kind":"cut","afterTime":"soon"}`, "afterTime"},
		{`{"kind":"cut","afterTime":"-1s"}`, "afterTime"},
		{`{"kind":"cut","times":2,"always":true}`, "times"},
		{`{"kind":"cut","times":-1}`, "times"},
		{`{"kind":"cut","conn":0}`, "conn"},
		{`{"kind":"cut","conn":-1}`, "conn"},
		{`{"kind":"cut","always":"yes"}`, "always"},
		{`{"kind":"cut","probability":1.1}`, "probability"},
		{`{"kind":"cut","probability":-0.1}`, "probability"},
		{`{"kind":"cut","stream":""}`, "stream"},
		{`{"kind":"cut","path":"x"}`, "path"},
		{`{"kind":"cut","method":"HEAD"}`, "method"},
		{`{"kind":"cut","header":{"A":1}}`, "header.A"},
		{`{"kind":"cut","header":{"":"x"}}`, "header"},
		{`{"kind":"cut","header":{"A:":"x"}}`, "header"},
		{`{"kind":"cut","withoutHeader":["A "]}`, "withoutHeader"},
		{`{"kind":"status"}`, "status"},
		{`{"kind":"status","status":199}`, "status"},
		{`{"kind":"status","status":600}`, "status"},
		{`{"kind":"status","status":503,"afterEvents":1}`, "afterEvents"},
		{`{"kind":"status","status":503,"contentType":"a\r\nB: c"}`, "contentType"},
		{`{"kind":"status","status":503,"setHeader":{"A":"b\nc"}}`, "setHeader"},
		{`{"kind":"status","status":503,"retryAfter":"-1s"}`, "retryAfter"},
		{`{"kind":"status","status":503,"retryAfter":"1s","retryAfterDate":"1s"}`, "retryAfterDate"},
		{`{"kind":"redirect"}`, "location"},
		{`{"kind":"redirect","location":"other_port"}`, "location"},
		{`{"kind":"redirect","location":""}`, "location"},
		{`{"kind":"redirect","location":"loop","status":200}`, "status"},
		{`{"kind":"redirect","location":"http://%zz"}`, "location"},
		{`{"kind":"refuse","stream":"abc"}`, "stream"},
		{`{"kind":"refuse","conn":2}`, "conn"},
		{`{"kind":"refuse","for":0}`, "for"},
		{`{"kind":"reset_on_accept","conn":2}`, "conn"},
		{`{"kind":"slow_headers"}`, "for"},
		{`{"kind":"stall","for":"0s"}`, "for"},
		{`{"kind":"drip","bytes":1}`, "every"},
		{`{"kind":"drip","every":"1s"}`, "bytes"},
		{`{"kind":"drip","every":"1s","bytes":0}`, "bytes"},
		{`{"kind":"latency","for":"1s","jitter":-1}`, "jitter"},
		{`{"kind":"line_ends","text":"lf"}`, "text"},
		{`{"kind":"hold"}`, "events"},
		{`{"kind":"hold","events":0}`, "events"},
		{`{"kind":"insert"}`, "text"},
		{`{"kind":"retry","text":"1\nid: 7"}`, "text"},
	} {
		var flt fault.Fault
		err := flt.UnmarshalJSON([]byte(tt.json))
		if e, ok := errors.AsType[*fault.FieldError](err); !ok || e.Field != tt.field || e.Reason == "" {
			t.Errorf("%s: %v, want an error about %q", tt.json, err, tt.field)
		}
	}
	// What JSON cannot say.
	for field, flt := range map[string]fault.Fault{
		"probability": fault.Cut().Probability(math.NaN()), "text": fault.Insert("\xff"), "body": fault.Cut().Body("x"),
		"bytes": fault.EndlessLine().Limit(-1), "kind": {},
	} {
		if e, ok := errors.AsType[*fault.FieldError](flt.Check()); !ok || e.Field != field {
			t.Errorf("%v: %v, want an error about %q", flt, e, field)
		}
	}
}

func TestFaultsAreValues(t *testing.T) {
	base := fault.Cut().Header("A", "1").WithoutHeader("X")
	a, b := base.Header("B", "2").WithoutHeader("Y"), base.Header("C", "3").WithoutHeader("Z")
	for _, tt := range []struct {
		got  fault.Fault
		want string
	}{
		{base, `{"kind":"cut","header":{"A":"1"},"withoutHeader":["X"]}`},
		{a, `{"kind":"cut","header":{"A":"1","B":"2"},"withoutHeader":["X","Y"]}`},
		{b, `{"kind":"cut","header":{"A":"1","C":"3"},"withoutHeader":["X","Z"]}`},
	} {
		if tt.got.String() != tt.want {
			t.Errorf("got %s, want %s", tt.got, tt.want)
		}
	}
}

// FuzzFault: a fault in JSON is refused with an error that is ours, or it survives the
// way through JSON and can be put in force.
func FuzzFault(f *testing.F) {
	for _, row := range fault.Kinds() {
		f.Add([]byte(row.Example.String()))
	}
	f.Add([]byte(`{"kind":"status","status":503,"header":{"a":"b"},"probability":0.5,"times":1000000000,"for":7}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var flt fault.Fault
		if err := flt.UnmarshalJSON(b); err != nil {
			if _, ok := errors.AsType[*fault.FieldError](err); !ok {
				t.Fatalf("%q: %v", b, err)
			}
			return
		}
		first := flt.String()
		var back fault.Fault
		if err := json.Unmarshal([]byte(first), &back); err != nil || back.String() != first {
			t.Fatalf("%s became %s, %v", first, back, err)
		}
		set := fault.NewSet(1, nil)
		if _, err := set.Add(flt); err != nil {
			t.Fatal(err)
		}
		c := set.Meet(get, nil)
		defer c.Close()
		c.Open(&fault.Opening{LastEventID: "1", Resumes: true})
		c.Start(func() {})
		c.Event(fault.Progress{Boundary: true, Pending: 1}, fault.Event{Bytes: []byte(four[0])})
		c.Next(fault.Progress{Boundary: true})
	})
}
