package certify_test

import (
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/OneStepAt4time/resilient-sse/internal/certify"
	"github.com/OneStepAt4time/resilient-sse/internal/certify/catalogue"
	"github.com/OneStepAt4time/resilient-sse/internal/certify/scenario"
	"github.com/OneStepAt4time/resilient-sse/internal/certify/wrong"
)

// asClient makes the test's program the client.
const asClient = "CERTIFY_CLIENT"

func TestMain(m *testing.M) {
	if os.Getenv(asClient) != "" {
		wrong.Main()
		return
	}
	os.Exit(m.Run())
}

// wrongs are ways to be wrong, and the scenario that must catch each.
var wrongs = []struct{ way, caught string }{
	{"keeps-the-mark", "format/bom/bom-before-a-field"},
	{"strips-all-marks", "format/bom/a-bom-later-on-belongs-to-the-field-s-name"},
	{"strips-the-first-mark-alone", "resume/fresh-bom"},
	{"knows-no-cr", "format/lines/cr-each-ending-its-line-at-once"},
	{"takes-crlf-for-two-line-ends", "format/lines/crlf-is-one-line-end-and-no-blank-line"},
	{"waits-behind-a-cr", "format/prompt/cr"},
	{"shows-an-event-with-the-next", "format/prompt/lf"},
	{"trims-values", "format/fields/one-blank-is-dropped-and-no-more"},
	{"keeps-the-blank", "format/fields/a-field-in-each-form"},
	{"splits-at-the-last-colon", "format/fields/colons-after-the-first-are-text"},
	{"folds-names", "format/fields/names-are-exact"},
	{"trims-names", "format/fields/a-blank-before-the-colon-is-part-of-the-name"},
	{"ignores-lines-without-a-colon", "format/fields/a-line-without-a-colon-is-a-field-without-a-value"},
	{"takes-unknown-fields-for-data", "format/fields/unknown-fields-are-ignored"},
	{"joins-lines-with-nothing", "format/data/two-empty-lines-are-one-lf"},
	{"drops-empty-data", "format/data/data-alone-dispatches-an-empty-event"},
	{"dispatches-blocks-without-data", "format/data/a-block-without-data-dispatches-nothing"},
	{"breaks-events-at-comments", "format/comments/comments-do-not-break-an-event"},
	{"keeps-types", "format/event/the-type-is-its-block-s-alone"},
	{"keeps-types-of-blocks-without-data", "format/event/the-type-of-a-block-without-data-is-forgotten"},
	{"shows-a-block's-own-id", "format/id/an-id-stays-in-force"},
	{"takes-ids-with-nul", "format/id/an-id-with-nul-is-ignored"},
	{"dispatches-cut-blocks", "format/end/a-line-with-its-end-but-no-blank-line"},
	{"replaces-runs-of-bad-bytes", "format/utf8/bytes-that-are-in-no-sequence"},
	{"passes-bad-bytes", "format/utf8/a-blank-after-the-colon-and-a-bad-byte"},
	{"takes-a-read-for-a-line", "format/sliced/lf"},
	{"decodes-each-read-by-itself", "http/response/chunk-inside-a-character"},
	{"shows-events-twice", "format/standard/one-event-in-three-data-lines"},

	{"posts", "http/request/get"},
	{"drops-the-query", "http/request/query"},
	{"lets-caches-answer", "http/request/no-cache"},
	{"accepts-anything", "http/request/accept"},
	{"sends-the-token-once", "http/request/token"},
	{"obeys-charsets", "http/response/charset-other"},
	{"knows-no-parameters", "http/response/charset"},
	{"compares-the-content-type's-case", "http/response/content-type-case"},
	{"compares-the-content-type's-beginning", "http/refusal/content-type-prefix"},
	{"reads-whatever-the-content-type", "http/refusal/content-type-html"},
	{"reads-whatever-the-status", "http/refusal/500"},
	{"comes-back-after-204", "http/refusal/204"},
	{"comes-back-after-204", "http/refusal/204-after-an-event"},
	{"stops-at-refusals", "http/refusal/back-after-503"},
	{"follows-no-redirects", "http/redirect/307"},
	{"follows-redirects-for-ever", "http/redirect/loop"},
	{"sends-the-token-everywhere", "http/redirect/token-to-other-origin"},
	{"remembers-redirects", "http/redirect/temporary-is-asked-again"},
	{"drops-the-id-at-redirects", "http/redirect/resume-carries-id"},

	{"stops-at-a-clean-end", "reconnect/after-clean-end"},
	{"stops-at-a-cut", "reconnect/after-cut"},
	{"stops-at-the-first-failure", "reconnect/after-reset-request"},
	{"stops-at-a-later-failure", "reconnect/after-refused-connections"},
	{"reads-refusals-to-their-end", "reconnect/leaves-open-503"},

	{"does-not-wait", "delay/hammer-on-end"},
	{"waits-the-same", "delay/grows-on-503"},
	{"counts-a-head-as-success", "delay/grows-on-empty-stream"},
	{"never-resets-its-delay", "delay/resets-after-success"},
	{asRegular, "delay/differs"},
	{"ignores-retry", "delay/retry"},
	{"takes-retry-of-events-alone", "delay/retry-in-a-cut-block"},
	{"takes-bad-retry-for-zero", "delay/retry-bad-is-ignored"},
	{"obeys-retry-zero", "delay/retry-zero"},
	{"lets-retry-overflow", "delay/retry-overflow"},
	{"ignores-retry-after", "delay/retry-after-on-503"},
	{"knows-no-dates", "delay/retry-after-as-a-date"},

	{"sends-no-id", "resume/moves-on"},
	{"sends-empty-ids", "resume/empty-id-resets"},
	{"ignores-empty-ids", "resume/empty-id-without-data-resets"},
	{"ignores-ids-without-data", "resume/id-of-a-block-without-data"},
	{"keeps-ids-of-cut-blocks", "resume/id-of-a-cut-block"},
	{"takes-0-for-no-id", "resume/id-zero"},
	{"takes-ids-for-numbers", "resume/id-leading-zeros"},
	{"escapes-ids", "resume/id-utf-8"},
	{"cuts-ids", "resume/id-long"},
	{"sends-any-id", "resume/back-after-id-with-control-characters"},
	{"forgets-the-id-at-failures", "http/refusal/resumes-after-503"},
	{"forgets-the-id-at-connections", "resume/kept-through-an-empty-stream"},
	{"keeps-its-parser", "resume/fresh-data"},

	{"shows-events-twice", "follow/undisturbed"},
	{"keeps-ids-of-cut-blocks", "follow/cuts-inside-events"},
	{"stops-at-a-later-failure", "follow/restart"},

	{"has-no-idle-limit", "liveness/silence-after-an-event"},
	{"leaves-connections-open", "liveness/silence-after-an-event"},
	{"counts-events-alone", "liveness/comments-keep-alive"},
	{"has-no-limit-for-heads", "liveness/no-response"},
	{"does-not-end", "liveness/stops-in-traffic"},

	{"has-lines-of-64-kib", "limit/takes-an-event-of-100-kib"},
	{"has-a-short-queue", "limit/takes-a-burst-of-2000-events"},
	{"has-no-limits", "limit/leaves-endless-data-line"},
	{"limits-lines-alone", "limit/leaves-endless-data-lines"},
	{"reads-refusals-to-their-end", "limit/leaves-endless-refusal"},
	{"trusts-everybody", "limit/refuses-unknown-certificates"},
}

// measured is generous: it is only waited for where a client hangs.
var measured = certify.Bounds{Startup: 100 * time.Millisecond, Show: 50 * time.Millisecond, FirstDelay: 300 * time.Millisecond, Stop: true}

// helper is the test's program as a client.
func helper(t *testing.T, way string) *certify.Client {
	self, err := os.Executable()
	if err != nil {
		t.Error(err)
	}
	c := &certify.Client{Command: []string{"env", asClient + "=1", wrong.Wrong + "=" + way, self, "{}"}, Jobs: 4}
	c.Know(measured)
	return c
}

func choose(t *testing.T, names ...string) []*scenario.Scenario {
	all, err := catalogue.All()
	if err != nil {
		t.Fatal(err)
	}
	var chosen []*scenario.Scenario
	for _, s := range all {
		if slices.Contains(names, s.Name) {
			chosen = append(chosen, s)
			names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == s.Name })
		}
	}
	if len(names) > 0 {
		t.Fatalf("no such scenarios: %q", names)
	}
	return chosen
}

// TestWrongClients: the right client passes the scenarios, by the rules that are for
// every client, and each wrong one is caught by the one that should.
func TestWrongClients(t *testing.T) {
	var names []string
	for _, w := range wrongs {
		names = append(names, w.caught)
	}
	results, err := helper(t, "").Certify(t.Context(), choose(t, names...))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Outcome != scenario.Pass {
			t.Errorf("the right client: %s: %s: %s\n%s", r.Scenario.Name, r.Outcome, r.Problem, r.Trial.Stderr)
		}
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, 12) // they mostly wait
	for _, w := range wrongs {
		if w.way == asRegular {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			catches(t, w.way, w.caught)
		})
	}
	wg.Wait()
	catches(t, asRegular, "delay/differs")
}

// asRegular is the way whose delays the noise of other trials would make differ: it is
// tried when those are done.
const asRegular = "is-as-regular-as-the-others"

// catches fails the test unless a wrong client is caught. A machine that is busy
// can make one trial of a wrong delay look right.
func catches(t *testing.T, way, scenarioName string) {
	var r certify.Result
	for range 8 {
		c := helper(t, way)
		c.Once()
		results, err := c.Certify(t.Context(), choose(t, scenarioName))
		if err != nil {
			t.Error(err)
			return
		}
		if r = results[0]; r.Outcome == scenario.Fail {
			t.Logf("%s: %s", way, r.Problem)
			return
		}
	}
	t.Errorf("%s: %s: %s, want fail", way, scenarioName, r.Outcome)
}
