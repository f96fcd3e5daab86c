package main

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

const (
	tailEvents = 300_000 // enough that starting the command does not count
	tailRounds = 3
)

// tail: the command, beside curl on the same stream.
func tail() (rows []row, err error) {
	const what = "sse-tail -o data: CPU beside curl -N"
	curl, err := exec.LookPath("curl")
	if err != nil {
		return []row{{what: what, skipped: "curl is not installed"}}, nil
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	sseTail, err := buildCommand(dir)
	if err != nil {
		return []row{{what: what, skipped: "sse-tail does not build"}}, nil
	}
	src, err := startChild("source", command{})
	if err != nil {
		return nil, err
	}
	defer src.close()
	for _, way := range ways {
		target := 4.0
		if way.serverBound {
			target = 2
		}
		url := streamURL(src.url, way.path, tailEvents)
		ours, theirs, err := turns(
			exec.Command(sseTail, "-q", "-o", "data", "-n", strconv.Itoa(tailEvents), url),
			exec.Command(curl, "-sN", url))
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{what: "sse-tail, " + way.words + ": CPU beside curl -N", figure: perEvent(ours, tailEvents),
			beside: perEvent(theirs, tailEvents), ratio: ratio(ours, theirs), target: target})
	}
	more, err := formats(sseTail, curl, streamURL(src.url, "session", formatEvents))
	return append(rows, more...), err
}

const (
	formatEvents = 1_000_000
	formatRounds = 3
)

// formats: what the command's formats and expressions cost, beside curl and beside
// what one would write without it.
func formats(sseTail, curl, url string) (rows []row, err error) {
	costs := map[string]time.Duration{}
	measure := func(name string, cmd string, args ...string) {
		costs[name] = math.MaxInt64
		for range formatRounds {
			if err != nil {
				return
			}
			var cpu time.Duration
			if cpu, err = cpuOf(cmd, args); err == nil {
				costs[name] = min(costs[name], cpu)
			}
		}
	}
	ours := func(name string, flags ...string) {
		measure(name, sseTail, append(append([]string{"-q", "-n", strconv.Itoa(formatEvents)}, flags...), url)...)
	}
	ours("data", "-o", "data")
	ours("json", "-o", "json")
	ours("text", "-o", "text")
	ours("template", "-o", "template={{.JSON.data.text}}")
	ours("filter", "-o", "data", "--filter", `.data.role == "user"`)
	lines := fmt.Sprintf("%s -sN %s | sed -n 's/^data: //p'", curl, url)
	measure("curl", curl, "-sN", url)
	measure("sed", "sh", "-c", lines)
	_, noJQ := exec.LookPath("jq")
	if noJQ == nil {
		measure("jq", "sh", "-c", lines+` | jq -c 'select(.data.role == "user")'`)
	}
	if err != nil {
		return nil, err
	}
	beside := func(name, other string, target float64) {
		r := row{what: "sse-tail " + name + ", 200 B: CPU beside " + other, figure: perEvent(costs[name], formatEvents), target: target}
		if costs[other] == 0 {
			r.skipped = other + " is not installed"
		} else {
			r.beside, r.ratio = perEvent(costs[other], formatEvents), ratio(costs[name], costs[other])
		}
		rows = append(rows, r)
	}
	beside("data", "curl", 4)
	beside("data", "sed", 1)
	beside("json", "data", 2)
	beside("text", "data", 4)
	beside("template", "jq", 1)
	beside("filter", "jq", 1)
	return rows, nil
}

// turns runs two commands in turns, and returns the least processor time of each.
func turns(a, b *exec.Cmd) (leastA, leastB time.Duration, err error) {
	leastA, leastB = math.MaxInt64, math.MaxInt64
	for range tailRounds {
		for cmd, least := range map[*exec.Cmd]*time.Duration{a: &leastA, b: &leastB} {
			cpu, err := cpuOf(cmd.Path, cmd.Args[1:])
			if err != nil {
				return 0, 0, err
			}
			*least = min(*least, cpu)
		}
	}
	return leastA, leastB, nil
}

// buildCommand builds sse-tail into a folder. It is in the module above this one,
// with dependencies that are not ours.
func buildCommand(dir string) (string, error) {
	name := filepath.Join(dir, "sse-tail")
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/OneStepAt4time/resilient-sse").Output()
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-o", name, "./cmd/sse-tail")
	build.Dir = strings.TrimSpace(string(module))
	return name, build.Run()
}

// cpuOf runs a command with its output thrown away, and returns the processor
// time that it used.
func cpuOf(name string, args []string) (time.Duration, error) {
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}
