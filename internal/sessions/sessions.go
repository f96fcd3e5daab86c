package sessions

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/access"
	"github.com/OneStepAt4time/resilient-sse/internal/console"
	"github.com/OneStepAt4time/resilient-sse/internal/explain"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
	"github.com/OneStepAt4time/resilient-sse/internal/termsafe"
	"github.com/OneStepAt4time/resilient-sse/session"
)

// Options say what is shown and how.
type Options struct {
	System  *system.System
	Pattern string // of ids; empty: all
	JSON    bool   // an object a line
	Color   string // auto, always or never
}

// Run asks the server for its sessions and shows them, the newest first.
func Run(ctx context.Context, a *access.Access, server string, o Options) error {
	list, err := a.Sessions(ctx, server)
	if err != nil {
		return err
	}
	if o.Pattern != "" {
		list = slices.DeleteFunc(list, func(s session.Info) bool {
			ok, err := path.Match(o.Pattern, s.ID)
			return err != nil || !ok
		})
	}
	slices.SortStableFunc(list, func(a, b session.Info) int { return b.CreatedAt.Compare(a.CreatedAt) })
	c := o.System.Console(nil)
	paint, _ := o.System.Paints(o.Color)
	switch {
	case o.JSON:
		for _, s := range list {
			c.Print(jsonLine(s, o.System.OutTTY))
		}
	case o.System.OutTTY:
		table(c, paint, list, time.Now())
	default:
		for _, s := range list {
			c.Print([]byte(strings.Join(columns(s, time.Now(), stamp), "\t") + "\n"))
		}
	}
	return c.Flush()
}

const stampFormat = "2006-01-02T15:04:05.000Z"

// stamp is a time for programs.
func stamp(t, _ time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(stampFormat)
}

// ago is a time for a person.
func ago(t, now time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return explain.Duration(max(now.Sub(t), 0).Truncate(time.Second)) + " ago"
}

// columns are a session's, safe to show.
func columns(s session.Info, now time.Time, when func(t, now time.Time) string) []string {
	return []string{
		termsafe.Line(s.ID), termsafe.Line(s.Status), when(s.CreatedAt, now), when(s.LastActivity, now),
		termsafe.Line(s.Name), termsafe.Line(s.WorkDir),
	}
}

// table shows the list in columns; what does not fit the terminal is cut, from the
// last column on.
func table(c *console.Console, paint console.Paint, list []session.Info, now time.Time) {
	rows := [][]string{{"ID", "STATUS", "CREATED", "ACTIVE", "NAME", "FOLDER"}}
	for _, s := range list {
		rows = append(rows, columns(s, now, ago))
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, text := range row {
			widths[i] = max(widths[i], termsafe.Width(text))
		}
	}
	for n, row := range rows {
		line := ""
		for i, text := range row {
			line += text + strings.Repeat(" ", widths[i]-termsafe.Width(text)+2)
		}
		line = termsafe.Cut(strings.TrimRight(line, " "), c.Columns())
		style := console.Plain
		if n == 0 {
			style = console.Dim
		}
		c.Print([]byte(paint.Text(style, line) + "\n"))
	}
	if len(list) == 0 {
		c.Print([]byte(paint.Text(console.Dim, "no sessions") + "\n"))
	}
}

// jsonLine is a session as one object.
func jsonLine(s session.Info, tty bool) []byte {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.Encode(struct { // texts have no errors
		ID           string `json:"id"`
		Status       string `json:"status,omitempty"`
		Name         string `json:"name,omitempty"`
		WorkDir      string `json:"work_dir,omitempty"`
		CreatedAt    string `json:"created_at,omitempty"`
		LastActivity string `json:"last_activity,omitempty"`
	}{s.ID, s.Status, s.Name, s.WorkDir, stamp(s.CreatedAt, s.CreatedAt), stamp(s.LastActivity, s.LastActivity)})
	if tty {
		return termsafe.AppendJSON(nil, b.String())
	}
	return []byte(b.String())
}

// IDs are those of the sessions that begin with a text, newest first, for a shell
// that completes them.
func IDs(ctx context.Context, a *access.Access, server, prefix string) []string {
	list, err := a.Sessions(ctx, server)
	if err != nil {
		return nil
	}
	slices.SortStableFunc(list, func(a, b session.Info) int { return b.CreatedAt.Compare(a.CreatedAt) })
	var ids []string
	for _, s := range list {
		if strings.HasPrefix(s.ID, prefix) && termsafe.Line(s.ID) == s.ID {
			ids = append(ids, s.ID+"\t"+termsafe.Line(fmt.Sprint(cmp.Or(s.Name, s.Status))))
		}
	}
	return ids
}
