package testserver

import "github.com/OneStepAt4time/resilient-sse/internal/hub"

// A Profile is whose behaviour a server has.
type Profile string

const (
	Ours     Profile = ""            // what package server does
	Aegis133 Profile = "aegis-1.3.3" // an Aegis server of version 1.3.3
	Aegis066 Profile = "aegis-0.6.6" // one of version 0.6.6, which is the newer one
)

func (p Profile) valid() bool { return p == Ours || p == Aegis133 || p == Aegis066 }

func (s *Server) profile(cfg *hub.Config) {}
