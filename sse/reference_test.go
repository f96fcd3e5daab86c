package sse_test

import (
	"math/big"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/sse"
)

// reference decodes a whole stream the way the standards write it down, slowly
// and with no regard for memory: bytes to text, text to lines, lines to events.
// It is what the decoder is compared with. It knows no limit.
func reference(stream, seed string) outcome {
	lines, unfinished := referenceLines(strings.TrimPrefix(referenceText(stream), "\uFEFF"))
	got := outcome{LastID: seed}
	var data, typ, id string
	var hasData, hasID bool
	var retry time.Duration
	for _, line := range lines {
		if line == "" {
			if hasID {
				got.LastID = id
			}
			if hasData {
				if typ == "" {
					typ = "message"
				}
				got.Events = append(got.Events, sse.Event{
					ID: got.LastID, HasID: hasID, Type: typ, Data: strings.TrimSuffix(data, "\n"), Retry: retry,
				})
			}
			data, typ, id, hasData, hasID, retry = "", "", "", false, false, 0
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case strings.HasPrefix(line, ":"):
			got.Comments = append(got.Comments, value)
		case name == "data":
			data, hasData = data+value+"\n", true
		case name == "event":
			typ = value
		case name == "id" && !strings.Contains(value, "\x00"):
			id, hasID = value, true
		case name == "retry" && value != "" && strings.Trim(value, "0123456789") == "":
			ms, _ := new(big.Int).SetString(value, 10)
			if day := big.NewInt(sse.MaxRetry.Milliseconds()); ms.Cmp(day) > 0 {
				ms = day
			}
			retry = time.Duration(max(ms.Int64(), 1)) * time.Millisecond
			got.Retry = retry
		}
	}
	got.End = "clean"
	if hasData || hasID || typ != "" || (unfinished != "" && unfinished[0] != ':') {
		got.End = "incomplete"
	}
	return got
}

// referenceLines splits text at CRLF, CR and LF.
func referenceLines(text string) (lines []string, unfinished string) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = strings.ReplaceAll(text, "\r", "\n")
	lines = strings.Split(text, "\n")
	return lines[:len(lines)-1], lines[len(lines)-1]
}

// referenceText is the UTF-8 decoder of the Encoding standard, section 8.1.1,
// step by step: each step takes one byte, or the end of the stream.
func referenceText(stream string) string {
	var out []rune
	var point rune
	seen, needed := 0, 0
	lower, upper := byte(0x80), byte(0xBF)
	for i := 0; i < len(stream); i++ {
		b := stream[i]
		if needed == 0 {
			switch {
			case b <= 0x7F:
				out = append(out, rune(b))
			case 0xC2 <= b && b <= 0xDF:
				needed, point = 1, rune(b&0x1F)
			case 0xE0 <= b && b <= 0xEF:
				if b == 0xE0 {
					lower = 0xA0
				}
				if b == 0xED {
					upper = 0x9F
				}
				needed, point = 2, rune(b&0xF)
			case 0xF0 <= b && b <= 0xF4:
				if b == 0xF0 {
					lower = 0x90
				}
				if b == 0xF4 {
					upper = 0x8F
				}
				needed, point = 3, rune(b&0x7)
			default:
				out = append(out, 0xFFFD)
			}
			continue
		}
		if b < lower || b > upper {
			point, needed, seen, lower, upper = 0, 0, 0, 0x80, 0xBF
			i-- // "restore byte to ioQueue"
			out = append(out, 0xFFFD)
			continue
		}
		lower, upper = 0x80, 0xBF
		point = point<<6 | rune(b&0x3F)
		if seen++; seen == needed {
			out = append(out, point)
			point, needed, seen = 0, 0, 0
		}
	}
	if needed != 0 {
		out = append(out, 0xFFFD)
	}
	return string(out)
}
