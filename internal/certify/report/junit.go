package report

import (
	"encoding/xml"
	"io"

	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
)

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     float64     `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	Time    float64    `xml:"time,attr"`
	Failure *junitText `xml:"failure"`
	Skipped *junitText `xml:"skipped"`
	Output  string     `xml:"system-err,omitempty"`
}

type junitText struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes the report as what CI systems show: a suite for each class. What
// was not judged is skipped there.
func (r *Report) JUnit(w io.Writer) error {
	var all junitSuites
	for _, t := range r.Classes {
		suite := junitSuite{Name: "sse-tail certify: " + string(t.Class), Tests: t.Of(), Failures: t.Fail, Skipped: t.NotJudged}
		for _, row := range r.Rows {
			if row.Class != t.Class {
				continue
			}
			c := junitCase{Class: string(row.Class), Name: row.Name, Time: row.Seconds, Output: row.Stderr}
			text := &junitText{row.Problem, row.Why + "\n" + row.Clause}
			switch row.Outcome {
			case scenario.Fail:
				c.Failure = text
			case scenario.NotJudged:
				c.Skipped = text
			}
			suite.Time += row.Seconds
			suite.Cases = append(suite.Cases, c)
		}
		all.Suites = append(all.Suites, suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", " ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
