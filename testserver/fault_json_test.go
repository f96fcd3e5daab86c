package testserver_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	ts "github.com/OneStepAt4time/resilient-sse/testserver"
)

// TestFaultsInJSON sends each fault of this package's tests, with conditions and
// triggers, through JSON and back.
func TestFaultsInJSON(t *testing.T) {
	faults := []ts.Fault{
		ts.Refuse().For(time.Second), ts.ResetOnAccept().Conn(2), ts.NoAnswer().Method("POST"), ts.SlowHeaders(time.Minute),
		ts.RST().AfterTime(time.Second), ts.Stall().For(time.Hour), ts.StallEvents().Header("A", "b").Header("C", "*"),
		ts.Hold(3).On("abc").Conn(7).Times(3).Probability(0.25), ts.Drip(1, time.Millisecond),
		ts.CutAfter(1 << 40).AfterEvents(3).Always(),
	}
	for _, tt := range bodyFaults {
		faults = append(faults, tt.fault)
	}
	for _, tt := range answerFaults {
		faults = append(faults, tt.fault)
	}
	for _, f := range faults {
		b, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		var back ts.Fault
		if err := json.Unmarshal(b, &back); err != nil {
			t.Errorf("%s: %v", b, err)
		}
		if again, _ := json.Marshal(back); string(again) != string(b) {
			t.Errorf("%s became %s", b, again)
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
		{`{"kind":"cut","unknown":1}`, "unknown"},
		{`{"kind":"cut","status":500}`, "status"},
		{`{"kind":"cut","for":"1s"}`, "for"},
		{`{"kind":"cut","afterBytes":"12"}`, "afterBytes"},
		{`{"kind":"cut","afterBytes":1.5}`, "afterBytes"},
		{`{"kind":"cut","afterBytes":-1}`, "afterBytes"},
		{`{"kind":"cut","afterTime":5}`, "afterTime"},
		{`{"kind":"cut","afterTime":"soon"}`, "afterTime"},
		{`{"kind":"cut","afterTime":"-1s"}`, "afterTime"},
		{`{"kind":"cut","times":2,"always":true}`, "times"},
		{`{"kind":"cut","times":-1}`, "times"},
		{`{"kind":"cut","conn":-1}`, "conn"},
		{`{"kind":"cut","always":"yes"}`, "always"},
		{`{"kind":"cut","probability":1.1}`, "probability"},
		{`{"kind":"cut","probability":-0.1}`, "probability"},
		{`{"kind":"cut","header":{"A":1}}`, "header"},
		{`{"kind":"cut","header":{"":"x"}}`, "header"},
		{`{"kind":"cut","header":{"A:":"x"}}`, "header"},
		{`{"kind":"status"}`, "status"},
		{`{"kind":"status","status":199}`, "status"},
		{`{"kind":"status","status":600}`, "status"},
		{`{"kind":"status","status":503,"afterEvents":1}`, "afterEvents"},
		{`{"kind":"status","status":503,"contentType":"a\r\nB: c"}`, "contentType"},
		{`{"kind":"status","status":503,"retryAfter":"-1s"}`, "retryAfter"},
		{`{"kind":"redirect"}`, "location"},
		{`{"kind":"redirect","location":"loop","status":200}`, "status"},
		{`{"kind":"redirect","location":"http://%zz"}`, "location"},
		{`{"kind":"refuse","stream":"abc"}`, "stream"},
		{`{"kind":"slow_headers"}`, "for"},
		{`{"kind":"drip","bytes":1}`, "every"},
		{`{"kind":"drip","every":"1s"}`, "bytes"},
		{`{"kind":"line_ends","text":"lf"}`, "text"},
		{`{"kind":"hold"}`, "events"},
		{`{"kind":"insert"}`, "text"},
		{`{"kind":"retry","text":"1\nid: 7"}`, "text"},
	} {
		var f ts.Fault
		err := f.UnmarshalJSON([]byte(tt.json))
		if e, ok := errors.AsType[*ts.FieldError](err); !ok || e.Field != tt.field || e.Reason == "" {
			t.Errorf("%s: %v, want an error about %q", tt.json, err, tt.field)
		}
	}
}

func TestInjectPanicsOnNonsense(t *testing.T) {
	srv := ts.NewInMemory(t)
	defer func() {
		if e, ok := recover().(*ts.FieldError); !ok || e.Field != "body" {
			t.Errorf("recovered %v, want an error about body", e)
		}
	}()
	srv.Inject(ts.Cut().Body("x"))
}

// FuzzFault: a fault in JSON is refused with an error that is ours, or it survives
// the way through JSON and can be put in force.
func FuzzFault(f *testing.F) {
	for _, tt := range bodyFaults {
		b, _ := json.Marshal(tt.fault)
		f.Add(b)
	}
	f.Add([]byte(`{"kind":"status","status":503,"header":{"a":"b"},"probability":0.5,"times":1000000000}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var fault ts.Fault
		if err := fault.UnmarshalJSON(b); err != nil {
			if _, ok := errors.AsType[*ts.FieldError](err); !ok {
				t.Fatalf("%q: %v", b, err)
			}
			return
		}
		first, err := json.Marshal(fault)
		if err != nil {
			t.Fatal(err)
		}
		var back ts.Fault
		if err := json.Unmarshal(first, &back); err != nil {
			t.Fatalf("%s: %v", first, err)
		}
		if second, _ := json.Marshal(back); string(second) != string(first) {
			t.Fatalf("%s became %s", first, second)
		}
		srv := ts.NewInMemory(t)
		srv.Stream("s")
		srv.Inject(fault).Remove()
	})
}
