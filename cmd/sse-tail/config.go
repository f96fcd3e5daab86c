package main

import (
	"cmp"
	"slices"

	"github.com/OneStepAt4time/resilient-sse/internal/config"
	"github.com/OneStepAt4time/resilient-sse/internal/system"
)

// configure takes what the command line leaves open from the configuration: from the
// profile, and then from what stands above all profiles. Flags that this command does
// not have are left out.
func (f *flags) configure(sys *system.System) {
	f.sys = sys
	profile := cmp.Or(f.profile, sys.Env("SSE_TAIL_PROFILE"))
	path := cmp.Or(f.config, sys.Env("SSE_TAIL_CONFIG"))
	p, err := config.Read(cmp.Or(path, config.Path(sys.Env)), path != "" || profile != "")
	if err != nil {
		f.problems.Add("configuration: %v", err)
		return
	}
	if profile != "" {
		settings, ok := p.ByName[profile]
		if !ok {
			f.problems.Add("--profile: there is no profile %q; there are: %s", profile, cmp.Or(p.Names(), "none"))
		}
		f.set(settings, true)
	}
	f.set(p.Common, false)
}

// set gives flags the values of settings. A profile's server stands above that of the
// environment, since the profile was asked for.
func (f *flags) set(settings []config.Setting, profile bool) {
	for _, s := range settings {
		flag := f.fs.Lookup(s.Flag)
		switch {
		case flag == nil && f.following:
			f.problems.Add("configuration: there is no flag --%s", s.Flag)
			continue
		case flag == nil, flag.Changed, f.contradicted(s.Flag), s.Flag == "profile", s.Flag == "config":
			continue
		case s.Flag == "server" && f.serverNamed && !profile:
			continue
		case len(s.Values) > 1 && flag.Value.Type() != "'K: V'" && flag.Value.Type() != "KIND,…":
			f.problems.Add("configuration: --%s takes one value", s.Flag)
			continue
		}
		for _, v := range s.Values {
			f.fs.Set(s.Flag, v) // what is wrong with it is among the problems
		}
	}
}

// contradicted tells whether a flag was given that can't go with this one.
func (f *flags) contradicted(name string) bool {
	return slices.ContainsFunc(contradictions, func(pair [2]string) bool {
		return pair[0] == name && f.given(pair[1]) || pair[1] == name && f.given(pair[0])
	})
}
