package cmdline

import (
	"strings"

	"github.com/spf13/pflag"
)

// An Arg is one flag as it stands on the command line.
type Arg struct {
	Name  string
	Words []string
}

// Args takes the flags out of a command line that was parsed without errors.
// Those of a group such as -qc come one by one.
func Args(fs *pflag.FlagSet, args []string) []Arg {
	var list []Arg
	for len(args) > 0 {
		arg := args[0]
		if arg == "--" {
			break
		}
		f, rest := flagOf(fs, arg)
		n := 1
		switch {
		case f == nil: // no flag
		case rest != "":
			list = append(list, Arg{f.Name, []string{arg[:2]}})
			args = append([]string{"-" + rest}, args[1:]...)
			continue
		default:
			if f.NoOptDefVal == "" && (arg == "--"+f.Name || arg == "-"+f.Shorthand) { // its value is the next argument
				n = min(2, len(args))
			}
			list = append(list, Arg{f.Name, args[:n:n]})
		}
		args = args[n:]
	}
	return list
}

// flagOf tells which flag an argument is, the first one of a group, and what of
// the group is left behind it; nil if it is none.
func flagOf(fs *pflag.FlagSet, arg string) (f *pflag.Flag, rest string) {
	if long, ok := strings.CutPrefix(arg, "--"); ok {
		name, _, _ := strings.Cut(long, "=")
		return fs.Lookup(name), ""
	}
	if len(arg) < 2 || arg[0] != '-' {
		return nil, ""
	}
	f = fs.ShorthandLookup(arg[1:2])
	if f != nil && f.NoOptDefVal != "" && !strings.HasPrefix(arg[2:], "=") {
		rest = arg[2:]
	}
	return f, rest
}
