package testserver

import (
	"io"
	"log"
)

// quiet takes what net/http has to say about connections that a fault or a
// client has spoiled: here that is business as usual, and in the journal.
var quiet = log.New(io.Discard, "", 0)
