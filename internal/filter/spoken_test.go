package filter

import "testing"

// TestSpoken has events as servers of language models send them.
func TestSpoken(t *testing.T) {
	for _, test := range []struct {
		data, want string
		ok         bool
	}{
		{`{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Hel"}}]}`, "Hel", true},
		{`{"object":"chat.completion.chunk","choices":[{"delta":{"role":"assistant"}}]}`, "", true},
		{`{"object":"chat.completion.chunk","choices":[],"usage":{}}`, "", true},
		{`{"choices":[{"text":"lo"}]}`, "lo", true},
		{`{"type":"content_block_delta","delta":{"type":"text_delta","text":"x"}}`, "x", true},
		{`{"type":"content_block_delta","delta":{"type":"input_json_delta","partial_json":"{"}}`, "", true},
		{`{"type":"message_start","message":{}}`, "", true},
		{`{"type":"ping"}`, "", true},
		{`{"type":"response.output_text.delta","delta":"y"}`, "y", true},
		{`{"type":"response.completed"}`, "", true},
		{`{"candidates":[{"content":{"parts":[{"text":"a"},{"text":"b"}]}}]}`, "ab", true},
		{`{"type":"error","error":{"message":"overloaded"}}`, "", false},
		{`{"event":"message","data":{"text":"hello"}}`, "", false},
		{`{"a":1}`, "", false},
		{`plain`, "", false},
		{`{`, "", false},
	} {
		if got, ok := spoken(test.data); got != test.want || ok != test.ok {
			t.Errorf("%s: got %q, %v; want %q, %v", test.data, got, ok, test.want, test.ok)
		}
	}
}
