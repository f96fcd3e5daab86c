package mask

import (
	"net/url"
	"strings"

	"github.com/OneStepAt4time/resilient-sse/internal/cmdline"
)

// Args hides the secrets of a command line: of its flags, and of one argument that
// names a stream. Masked tells whether there were any.
func Args(args []cmdline.Arg, name string) (_ []cmdline.Arg, _ string, masked bool) {
	hidden := make([]cmdline.Arg, len(args))
	for i, arg := range args {
		words := append([]string(nil), arg.Words...)
		last := len(words) - 1
		flag, value := splitValue(arg)
		if shown := flagValue(arg.Name, value); shown != value {
			words[last], masked = flag+shown, true
		}
		hidden[i] = cmdline.Arg{Name: arg.Name, Words: words}
	}
	if shown := address(name); shown != name {
		name, masked = shown, true
	}
	return hidden, name, masked
}

// InFlag names the secret in a flag; empty if there is none.
func InFlag(arg cmdline.Arg) string {
	_, value := splitValue(arg)
	if flagValue(arg.Name, value) == value {
		return ""
	}
	switch arg.Name {
	case "header":
		name, _, _ := strings.Cut(value, ":")
		return name
	case "user":
		return "the password of -u"
	}
	return "the password of --" + arg.Name
}

// splitValue takes what stands before a flag's value in its last word apart from it.
func splitValue(arg cmdline.Arg) (flag, value string) {
	last := arg.Words[len(arg.Words)-1]
	switch {
	case len(arg.Words) > 1:
		return "", last
	case strings.HasPrefix(last, "--"):
		flag, value, _ = strings.Cut(last, "=")
		return flag + "=", value
	}
	n := min(2, len(last))
	return last[:n], last[n:]
}

// flagValue hides the secret in the value of a flag that may hold one.
func flagValue(flag, value string) string {
	switch flag {
	case "header":
		if name, v, ok := strings.Cut(value, ":"); ok && !strings.HasPrefix(value, "@") {
			v = strings.TrimSpace(v)
			if shown := Value(name, v); shown != v {
				return name + ": " + shown
			}
		}
	case "user":
		if user, _, ok := strings.Cut(value, ":"); ok {
			return user + ":" + Mask
		}
	case "proxy", "server":
		return address(value)
	}
	return value
}

// address hides what a URL in an argument holds of secrets; what is none stays.
func address(arg string) string {
	before, rest, ok := strings.Cut(arg, "://")
	if !ok {
		return arg
	}
	label, scheme, labelled := strings.Cut(before, "=")
	if !labelled {
		label, scheme = "", before
	} else {
		label += "="
	}
	u, err := url.Parse(scheme + "://" + rest)
	if err != nil {
		return label + scheme + "://" + Mask
	}
	if _, secret := u.User.Password(); !secret && InQuery(u) == nil {
		return arg
	}
	return label + URL(u)
}
