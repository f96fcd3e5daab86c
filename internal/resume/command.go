package resume

import (
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
	"github.com/OneStepAt4time/resilient-sse/internal/shell"
	"github.com/OneStepAt4time/resilient-sse/internal/target"
)

// Command is the command line that follows one target from an event on, with the
// flags of args. It can be pasted. Count is what stands for the value of --count,
// where that is given.
func Command(args []cmdline.Arg, t target.Target, id string, count int) string {
	words := []string{programName(os.Args[0])}
	for _, arg := range args {
		switch arg.Name {
		case "last-event-id", "all":
		case "count":
			words = append(words, "-n", strconv.Itoa(max(count, 1)))
		default:
			words = append(words, arg.Words...)
		}
	}
	words = append(words, "--last-event-id="+id)
	if t.Arg == "" {
		words = append(words, "--all")
	} else {
		words = append(words, "--", t.Arg)
	}
	for i, word := range words {
		words[i] = shell.Quote(word)
	}
	return strings.Join(words, " ")
}

// programName is how a shell finds this program again: by its name, or where it
// was not installed by the path that it was started with.
func programName(arg0 string) string {
	if _, err := exec.LookPath("sse-tail"); err != nil && strings.ContainsRune(arg0, os.PathSeparator) {
		return arg0
	}
	return "sse-tail"
}
