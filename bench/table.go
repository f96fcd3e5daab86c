package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// A row is one line of the table: what was measured, and what is asked.
type row struct {
	what    string
	figure  string  // ours, in words
	beside  string  // the other's, in words
	ratio   float64 // of the two, as the target has it
	atLeast bool    // the target is a least, not a most
	target  float64
	skipped string // why nothing was measured
}

func (r row) met() bool {
	if r.atLeast {
		return r.ratio >= r.target
	}
	return r.ratio <= r.target
}

func (r row) cells() []any {
	if r.skipped != "" {
		return []any{r.what, r.skipped, "", "", "", "not measured"}
	}
	sign, verdict := "≤", "no"
	if r.atLeast {
		sign = "≥"
	}
	if r.met() {
		verdict = "yes"
	}
	return []any{r.what, r.figure, r.beside, fmt.Sprintf("%.2f", r.ratio), fmt.Sprintf("%s %.2f", sign, r.target), verdict}
}

// writeTable writes the rows under each other.
func writeTable(w io.Writer, rows []row) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "what\tours\tbeside\tratio\ttarget\tmet")
	for _, r := range rows {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", r.cells()...)
	}
	return tw.Flush()
}
