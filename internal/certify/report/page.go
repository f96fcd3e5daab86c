package report

import (
	_ "embed"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
	"github.com/OneStepAt4time/resilient-sse/internal/shell"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"command": command,
	"slug":    func(o scenario.Outcome) string { return strings.ReplaceAll(string(o), " ", "-") },
	"ms": func(s float64) string { // with a blank that does not break
		return strings.ReplaceAll(scenario.Seconds(time.Duration(s*float64(time.Second))), " ", "\u00a0")
	},
}).Parse(pageText))

// command is the client's, as a shell takes it.
func command(argv []string) string {
	var words []string
	for _, arg := range argv {
		words = append(words, shell.Quote(arg))
	}
	return strings.Join(words, " ")
}

// A section is a group of rows on the page.
type section struct {
	Name string
	Tally
	Rows []Row
}

// HTML writes the report as one page that needs nothing else: what did not pass
// first, then all groups.
func (r *Report) HTML(w io.Writer) error {
	var sections []*section
	var bad []Row
	for _, row := range r.Rows {
		name, _, _ := strings.Cut(row.Name, "/")
		if len(sections) == 0 || sections[len(sections)-1].Name != name {
			sections = append(sections, &section{Name: name})
		}
		s := sections[len(sections)-1]
		s.Rows = append(s.Rows, row)
		switch row.Outcome {
		case scenario.Pass:
			s.Pass++
			continue
		case scenario.NotJudged:
			s.NotJudged++
		default:
			s.Fail++
		}
		bad = append(bad, row)
	}
	return page.Execute(w, struct {
		*Report
		Sections []*section
		Bad      []Row
	}{r, sections, bad})
}
