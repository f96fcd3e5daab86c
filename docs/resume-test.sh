#!/bin/sh
# Does a client that is cut inside an event see each event exactly once?
# The client here is curl and four lines of shell. $SSE is a test server, $CTL its control API:
#
#     sse-tail serve --listen 127.0.0.1:8080 --control 127.0.0.1:8081 &
#     SSE=http://127.0.0.1:8080 CTL=http://127.0.0.1:8081/_ctl/ sh resume-test.sh
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
ctl() { curl -fsS -d "$2" "$CTL$1"; }
client() { # follows the stream until it ends, and keeps the ids of whole events
    curl -sN -H "Last-Event-ID: $1" "$SSE/events?stream=numbers" |
        awk '/^id: /{id=$2} /^$/{if (id) print id; id=""; fflush()}' >> "$tmp/seen" || true
}

ctl reset '' > /dev/null
ctl streams '{"name":"numbers"}' > /dev/null
fault=$(ctl faults '{"kind":"cut_inside_event","stream":"numbers","afterEvents":2}' | sed 's/.*"number":\([0-9]*\).*/\1/')

client 0 & # until it is cut
ctl wait '{"connections":1,"stream":"numbers"}' > /dev/null
for i in 1 2 3; do ctl publish "{\"stream\":\"numbers\",\"id\":\"$i\",\"data\":\"number $i\"}" > /dev/null; done
ctl wait "{\"fired\":1,\"fault\":$fault}" > /dev/null
wait

client "$(tail -n 1 "$tmp/seen")" & # comes back
ctl wait '{"delivered":"3","stream":"numbers"}' > /dev/null
ctl publish '{"stream":"numbers","id":"4","data":"number 4"}' > /dev/null
ctl streams/numbers/end '' > /dev/null
wait

seen=$(tr '\n' ' ' < "$tmp/seen")
[ "$seen" = "1 2 3 4 " ] || { echo "the client saw $seen, want 1 2 3 4"; exit 1; }
echo "ok: each event once, over a cut"
