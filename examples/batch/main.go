// Batch appends the events of a stream to a file, many with one write, and loses
// none of them whenever it is killed: what is not in the file is not committed.
//
//	batch http://127.0.0.1:9100/v1/events log
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/OneStepAt4time/resilient-sse/client"
)

func main() {
	url, path := os.Args[1], os.Args[2]
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	check(err)
	cursor, err := client.OpenFileCursor(path + ".cursor")
	check(err)
	var es *client.EventSource
	batch := []byte("\n") // ends a line that a kill has torn
	flush := func() error {
		if _, err := file.Write(batch); err != nil {
			return err
		}
		batch = batch[:0]
		if err := file.Sync(); err != nil {
			return err
		}
		return es.Commit()
	}
	es, err = client.New(url, &client.Options{Cursor: cursor, LastEventID: "0", ManualCommit: true, BeforeWait: flush})
	check(err)
	for ev, err := range es.Events(context.Background()) {
		check(err)
		if batch = fmt.Appendf(batch, "%s %s\n", ev.ID, ev.Data); len(batch) > 4096 {
			check(flush())
		}
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
