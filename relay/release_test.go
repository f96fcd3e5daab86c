package relay

import (
	"archive/zip"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const mainModule = "github.com/OneStepAt4time/resilient-sse"

// goCommand runs the go command in a folder, and returns what it writes.
func goCommand(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	cmd.Stderr = new(strings.Builder)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, cmd.Stderr)
	}
	return string(out)
}

// Whoever uses the main module gets nothing of what the relay needs.
func TestMainModuleHasNoneOfOurDependencies(t *testing.T) {
	ours := regexp.MustCompile(`(?m)^github\.com/(nats-io|prometheus|klauspost|minio|antithesishq)/`)
	for _, args := range [][]string{{"list", "-m", "all"}, {"list", "-deps", "./..."}} {
		out := goCommand(t, "..", []string{"GOWORK=off"}, args...)
		if m := ours.FindString(out); m != "" {
			t.Errorf("go %s names %s", strings.Join(args, " "), m)
		}
		if !strings.Contains(out, mainModule) {
			t.Errorf("go %s: %s", strings.Join(args, " "), out)
		}
	}
}

// The command is installed from outside, by a module proxy that has both modules as they
// stand here: the released go.mod is enough.
func TestInstallFromOutside(t *testing.T) {
	var mod struct {
		Require []struct{ Path, Version string }
		Replace []any
	}
	if err := json.Unmarshal([]byte(goCommand(t, ".", nil, "mod", "edit", "-json")), &mod); err != nil {
		t.Fatal(err)
	}
	if len(mod.Replace) > 0 {
		t.Error("go.mod has a replace")
	}
	needs := ""
	for _, r := range mod.Require {
		if r.Path == mainModule {
			needs = r.Version
		}
	}
	if needs == "" {
		t.Fatal("go.mod does not require the main module")
	}
	const version = "v0.0.1"
	proxy, bin, cache := t.TempDir(), t.TempDir(), t.TempDir()
	publish(t, proxy, "..", mainModule, needs)
	publish(t, proxy, ".", mainModule+"/relay", version)

	here := strings.Fields(goCommand(t, ".", nil, "env", "GOMODCACHE", "GOPROXY"))
	env := []string{
		"GOPROXY=file://" + proxy + ",file://" + here[0] + "/cache/download," + here[1],
		"GOSUMDB=off", "GONOSUMDB=", "GOPRIVATE=", "GOWORK=off", "GOFLAGS=-modcacherw -trimpath", "GOMODCACHE=" + cache, "GOBIN=" + bin,
	}
	goCommand(t, t.TempDir(), env, "install", mainModule+"/relay/cmd/sse-relay@"+version)
	program := filepath.Join(bin, "sse-relay")
	out, err := exec.CommandContext(t.Context(), program, "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "sse-relay "+version+" ") {
		t.Errorf("version: %v, %s", err, out)
	}
	if info := goCommand(t, bin, nil, "version", "-m", program); strings.Contains(info, "=>") || !strings.Contains(info, mainModule+"\t"+needs) {
		t.Errorf("it was built of\n%s", info)
	}
}

// publish puts a module that is in a folder into a proxy of files.
func publish(t *testing.T, proxy, dir, path, version string) {
	t.Helper()
	escaped := regexp.MustCompile(`[A-Z]`).ReplaceAllStringFunc(path, func(s string) string { return "!" + strings.ToLower(s) })
	at := filepath.Join(proxy, escaped, "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"list": version + "\n", version + ".mod": string(mod), version + ".info": `{"Version":"` + version + `","Time":"2000-01-01T00:00:00Z"}`,
	} {
		if err := os.WriteFile(filepath.Join(at, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Create(filepath.Join(at, version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	err = filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		if e.IsDir() {
			if _, err := os.Stat(filepath.Join(name, "go.mod")); rel != "." && (err == nil || e.Name() == ".git" || e.Name() == "node_modules") {
				return fs.SkipDir
			}
			return nil
		}
		if !e.Type().IsRegular() {
			return nil
		}
		w, err := z.Create(path + "@" + version + "/" + filepath.ToSlash(rel))
		if err != nil {
			return err
		}
		r, err := os.Open(name)
		if err != nil {
			return err
		}
		defer r.Close()
		_, err = io.Copy(w, r)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}
