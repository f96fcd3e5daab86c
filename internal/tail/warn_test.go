package tail

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
)

func TestShownSecrets(t *testing.T) {
	args := []string{"-H", "Authorization: x", "-HX-Api-Key: y", "--header=Cookie: z", "--header", "X-Trace: 1", "-H", "@/dev/null", "abc"}
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	fs.StringP("header", "H", "", "")
	got := shownSecrets(cmdline.Args(fs, args))
	if diff := cmp.Diff([]string{"Authorization", "X-Api-Key", "Cookie"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
