// Package client follows one stream of server-sent events for good: it
// reconnects when the connection fails, waits longer each time, gives up when an
// outage has lasted too long, and resumes where it left off.
//
//	es, err := client.Session("http://127.0.0.1:9100", "abc", nil)
//	if err != nil { … }
//	for ev, err := range es.Events(ctx) {
//		if err != nil { … } // the last pair
//		fmt.Println(ev.ID, ev.Data)
//	}
package client
