package strict_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/OneStepAt4time/resilient-sse/internal/strict"
)

type inner struct {
	N *int `json:"n"`
}

type outer struct {
	Name  string            `json:"name"`
	Count int               `json:"count"`
	Items []inner           `json:"items"`
	Head  map[string]string `json:"head"`
	Keys  []string          `json:"keys"`
	Bytes []byte            `json:"bytes"`
	Any   json.RawMessage   `json:"any"`
	In    *inner            `json:"in"`
}

func TestDecode(t *testing.T) {
	var got outer
	err := strict.Decode([]byte(`{"name":"a","count":null,"items":[{"n":0},{"n":null}],"head":{"A":"b"},"keys":["x"],"bytes":"/w==","any":null,"in":{}}`), &got)
	want := outer{
		Name: "a", Items: []inner{{new(0)}, {}}, Head: map[string]string{"A": "b"}, Keys: []string{"x"},
		Bytes: []byte{0xff}, Any: json.RawMessage("null"), In: &inner{},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestErrorsNameTheMember(t *testing.T) {
	for _, tt := range []struct{ json, path string }{
		{``, ""}, {`{`, ""}, {`{} x`, ""}, {`[]`, ""}, {`7`, ""},
		{`{"Name":"a"}`, "Name"},
		{`{"name":7}`, "name"},
		{`{"name":"a","name":"a"}`, "name"},
		{`{"count":1.5}`, "count"},
		{`{"count":1e99}`, "count"},
		{`{"items":{}}`, "items"},
		{`{"items":[{"n":1},{"n":"x"}]}`, "items[1].n"},
		{`{"items":[{"n":1,"n":2}]}`, "items[0].n"},
		{`{"head":{"A":"b","A":"b"}}`, "head.A"},
		{`{"head":{"A":1}}`, "head.A"},
		{`{"keys":[1]}`, "keys[0]"},
		{`{"bytes":"%"}`, "bytes"},
		{`{"in":[]}`, "in"},
	} {
		err := strict.Decode([]byte(tt.json), &outer{})
		if e, ok := errors.AsType[*strict.Error](err); !ok || e.Path != tt.path {
			t.Errorf("%s: got %v, want an error at %q", tt.json, err, tt.path)
		}
	}
}
