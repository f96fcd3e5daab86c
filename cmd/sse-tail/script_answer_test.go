//go:build unix

package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// answer starts a server that speaks by hand: it answers the n-th request with the
// n-th file, the last one again and again, and closes the connection behind each.
// The request is appended to a file named like the variable. Its address is in that
// variable.
//
//	answer VAR FILE…
func answer(ts *testscript.TestScript, _ *stage, args []string) error {
	name, files := args[0], args[1:]
	var answers []string
	for _, file := range files {
		text := ts.ReadFile(file)
		head, body, ok := strings.Cut(text, "\n\n")
		if !ok {
			return errors.New(file + " has no empty line behind its head")
		}
		answers = append(answers, strings.ReplaceAll(head, "\n", "\r\n")+"\r\n\r\n"+body)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ts.Setenv(name, "http://"+l.Addr().String())
	journal := ts.MkAbs(name)
	var wg sync.WaitGroup
	ts.Defer(func() { l.Close(); wg.Wait() })
	wg.Go(func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			speak(c, answers[min(n, len(answers)-1)], journal)
		}
	})
	return nil
}

// speak takes one request and gives one answer.
func speak(c net.Conn, answer, journal string) {
	defer c.Close()
	req, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	if f, err := os.OpenFile(filepath.Clean(journal), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
		body, _ := io.ReadAll(req.Body)
		io.WriteString(f, req.Method+" "+req.RequestURI+"\n")
		var header strings.Builder
		req.Header.Write(&header)
		io.WriteString(f, strings.ReplaceAll(header.String(), "\r\n", "\n"))
		f.Write(append(body, "\n\n"...))
		f.Close()
	}
	io.WriteString(c, answer)
}
