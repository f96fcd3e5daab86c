package filter

import (
	"encoding/json"
	"strings"
)

// spoken is the text in an event of a language model's stream; empty where it has
// none. It is false for everything else.
func spoken(data string) (text string, ok bool) {
	if !strings.HasPrefix(data, "{") {
		return "", false
	}
	var ev struct {
		Type    string
		Choices []struct {
			Delta struct{ Content string }
			Text  string
		}
		Delta      json.RawMessage
		Candidates []struct {
			Content struct{ Parts []struct{ Text string } }
		}
		Object string
		Error  json.RawMessage
	}
	if json.Unmarshal([]byte(data), &ev) != nil || ev.Error != nil {
		return "", false // an error is shown as it is
	}
	switch {
	case ev.Choices != nil || strings.HasSuffix(ev.Object, ".chunk"): // chat and text completions
		for _, c := range ev.Choices[:min(len(ev.Choices), 1)] {
			text = c.Delta.Content + c.Text
		}
		return text, true
	case ev.Type == "response.output_text.delta":
		err := json.Unmarshal(ev.Delta, &text)
		return text, err == nil
	case ev.Type == "content_block_delta":
		var delta struct{ Text string }
		err := json.Unmarshal(ev.Delta, &delta)
		return delta.Text, err == nil
	case strings.HasPrefix(ev.Type, "response."), strings.HasPrefix(ev.Type, "message_"), strings.HasPrefix(ev.Type, "content_block_"), ev.Type == "ping":
		return "", true
	case ev.Candidates != nil:
		for _, c := range ev.Candidates[:min(len(ev.Candidates), 1)] {
			for _, part := range c.Content.Parts {
				text += part.Text
			}
		}
		return text, true
	}
	return "", false
}

// quote is a text as JSON.
func quote(text string) json.RawMessage {
	b, _ := json.Marshal(text) // a string has no errors
	return b
}
