package client_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/OneStepAt4time/resilient-sse/client"
)

// TestMain lets the test binary stand in for other processes: see child.
func TestMain(m *testing.M) {
	if os.Getenv("RESILIENT_SSE_CHILD") == "" {
		os.Exit(m.Run())
	}
	var err error
	switch os.Args[1] {
	case "open-cursor":
		_, err = client.OpenFileCursor(os.Args[2])
	case "follow":
		err = followChild(os.Args[2], os.Args[3])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// followChild prints the id of each event, after which the event counts as
// handled, and keeps its position in the file.
func followChild(url, path string) error {
	cursor, err := client.OpenFileCursor(path)
	if err != nil {
		return err
	}
	es, err := client.New(url, &client.Options{Cursor: cursor, LastEventID: "0"})
	if err != nil {
		return err
	}
	for ev, err := range es.Events(context.Background()) {
		if err != nil {
			return err
		}
		fmt.Println(ev.ID)
	}
	return nil
}
