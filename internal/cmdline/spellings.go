package cmdline

import "github.com/spf13/pflag"

// aliases are other programs' names of our flags.
var aliases = map[string]string{
	"max-time": "timeout", "silent": "quiet", "data-raw": "data", "data-binary": "data", "data-ascii": "data",
	"location-trusted": "location", "ca-cert": "cacert", "interrupt-after": "timeout", "headers": "header",
	"raw-output": "raw", "compact-output": "raw",
}

// needless are flags of other programs for what is always so here: redirects are
// followed, nothing is buffered, errors are shown and are no success, following is
// what it does, strings are raw and objects on one line.
var needless = []struct{ name, short string }{
	{"location", "L"}, {"no-buffer", "N"}, {"show-error", "S"}, {"fail", "f"}, {"raw", "r"},
}

// elsewhere says how what other programs' flags do is done here.
var elsewhere = map[string]string{
	"json":             "a body that is JSON is sent as such: -d DATA",
	"data-urlencode":   "a body is sent as it is: -d DATA",
	"form":             "a body is sent as it is: -d DATA, and -H 'Content-Type: …'",
	"get":              "put the query into the URL",
	"cookie":           "-H 'Cookie: …', or -H @FILE",
	"referer":          "-H 'Referer: …'",
	"oauth2-bearer":    "--token-file, --token-cmd or the environment",
	"token":            "other users see arguments; use --token-file or the environment",
	"retry":            "it always retries: --give-up, --initial, --max",
	"retry-delay":      "--initial",
	"retry-max-time":   "--give-up",
	"retry-all-errors": "what waiting mends is retried; the rest has exit codes 4 to 6",
	"speed-time":       "--idle-timeout",
	"speed-limit":      "--idle-timeout",
	"head":             "the headers: -i",
	"dump-header":      "the headers: -i",
	"write-out":        "-o template=…",
	"trace":            "-v",
	"trace-ascii":      "-v",
	"http1.1":          "client and server agree on the version",
	"http2":            "client and server agree on the version",
	"url":              "the URL is an argument, or stands in @FILE or env:NAME",
	"lines":            "--tail COUNT",
	"since-time":       "--since D",
	"no-follow":        "-n COUNT, --timeout D, or --once",
	"from-beginning":   "--last-event-id 0",
	"offset":           "--last-event-id ID",
	"selector":         "a pattern of session ids: 'demo-*'",
	"slurp":            "each event is shown as it comes",
	"null-input":       "-d DATA, or a target",
}

// elsewhereShort is the same for letters.
var elsewhereShort = map[string]string{
	"b": "cookie", "I": "head", "D": "dump-header", "w": "write-out", "G": "get", "F": "form", "l": "selector", "C": "from-beginning",
}

// AcceptSpellings makes a set of flags take other programs' names for its own, and
// what goes without saying here. They are in no help.
func AcceptSpellings(fs *pflag.FlagSet) {
	fs.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if own := aliases[name]; own != "" {
			name = own
		}
		return pflag.NormalizedName(name)
	})
	for _, f := range needless {
		fs.BoolP(f.name, f.short, false, "")
		fs.Lookup(f.name).Hidden = true
	}
}
