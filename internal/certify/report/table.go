package report

import (
	"fmt"
	"strings"

	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
)

// Table is the report for a terminal: what did not pass, with the sentence for its
// author, and then the groups and classes. Columns 0 breaks no lines.
func (r *Report) Table(paint console.Paint, columns int) []byte {
	var b []byte
	style := map[scenario.Outcome]console.Style{scenario.Fail: console.Red, scenario.NotJudged: console.Yellow, scenario.Pass: console.Green}
	for _, row := range r.Rows {
		if row.Outcome == scenario.Pass {
			continue
		}
		b = append(b, paint.Text(style[row.Outcome], string(row.Outcome))+"  "...)
		name := []console.Span{{Style: console.Bold, Text: row.Name}, {Style: console.Dim, Text: "  " + string(row.Class)}}
		b = paint.Layout(b, name, len(row.Outcome)+2, columns)
		for _, line := range []string{row.Problem, row.Why, row.Clause} {
			b = append(b, "\n      "...)
			b = paint.Layout(b, []console.Span{{Text: termsafe.Text(line)}}, 6, columns)
		}
		b = append(b, "\n\n"...)
	}
	b = append(b, r.groups(paint)...)
	return b
}

// groups is a line for each group of scenarios, a column for each class.
func (r *Report) groups(paint console.Paint) string {
	var names []string
	cells := make(map[string]map[scenario.Class]*Tally)
	for _, row := range r.Rows {
		name, _, _ := strings.Cut(row.Name, "/")
		if cells[name] == nil {
			names, cells[name] = append(names, name), make(map[scenario.Class]*Tally)
		}
		t := cells[name][row.Class]
		if t == nil {
			t = new(Tally)
			cells[name][row.Class] = t
		}
		switch row.Outcome {
		case scenario.Pass:
			t.Pass++
		case scenario.NotJudged:
			t.NotJudged++
		default:
			t.Fail++
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-10s", "")
	for _, t := range r.Classes {
		fmt.Fprintf(&b, "%16s", t.Class)
	}
	b.WriteByte('\n')
	for _, name := range names {
		fmt.Fprintf(&b, "%-10s", name)
		for _, class := range r.Classes {
			if t := cells[name][class.Class]; t != nil {
				b.WriteString(cell(paint, *t))
			} else {
				b.WriteString(strings.Repeat(" ", 16))
			}
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%-10s", "all")
	for _, t := range r.Classes {
		b.WriteString(cell(paint, t))
	}
	b.WriteByte('\n')
	return b.String()
}

func cell(paint console.Paint, t Tally) string {
	style := console.Red
	switch {
	case t.Passed():
		style = console.Green
	case t.Fail == 0:
		style = console.Yellow
	}
	return paint.Text(style, fmt.Sprintf("%16s", fmt.Sprintf("%d of %d", t.Pass, t.Of())))
}
