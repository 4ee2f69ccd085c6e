package test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"carrier/internal/testkit/programtest"
)

// A fanout is the program with a subscription for each of several workers.
type fanout struct {
	*program
	t       *testing.T
	env     env
	door    string
	dir     string
	topics  []string
	workers []*worker
	// stored has the path of each body that was answered with 200, and the run that stored it.
	mu     sync.Mutex
	stored map[string]storedAt
}

type storedAt struct {
	path string
	run  int
}

// start starts the program with the first n subscriptions.
func (f *fanout) start(n int) {
	f.t.Helper()
	names := make([]string, n)
	e := env{}
	for i := range n {
		names[i] = fmt.Sprint("s", i)
		prefix := fmt.Sprintf("CARRIER_ROUTE_S%d_", i)
		e[prefix+"WEBHOOK_ENDPOINT"] = f.workers[i].endpoint()
		e[prefix+"INGEST_TOPIC"] = f.topics[i]
		e[prefix+"READINESS"] = "false"
	}
	e["CARRIER_ROUTES"] = strings.Join(names, ",")
	f.program = launch(f.t, f.env.with(e))
	f.awaitReady()
}

// produce stores messages at random paths until it is refused, and says how many were.
func (f *fanout) produce(run, producer int, stored chan<- struct{}) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for i := 0; ; i++ {
		path := []string{"/a/x", "/b/y", "/c"}[rand.IntN(3)]
		body := fmt.Sprintf("%d-%d-%d %s", run, producer, i, strings.Repeat("x", 16<<10))
		resp, err := client.Post("http://"+f.door+path, "text/plain", strings.NewReader(body))
		if err != nil {
			return // it was killed
		}
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			return
		}
		f.mu.Lock()
		f.stored[body] = storedAt{path, run}
		f.mu.Unlock()
		select {
		case stored <- struct{}{}:
		default:
		}
	}
}

// runAndKill starts the program with n subscriptions, stores messages while it delivers, and kills it.
func (f *fanout) runAndKill(run, n int) {
	f.t.Helper()
	f.start(n)
	stored := make(chan struct{}, 1000)
	var producers sync.WaitGroup
	for p := range 4 {
		producers.Go(func() { f.produce(run, p, stored) })
	}
	for range 100 + rand.IntN(100) {
		<-stored
	}
	f.kill()
	producers.Wait()
}

// TestKilledCarrierLosesNothingOfAnySubscription kills the program while four of five subscriptions
// deliver, a sixth one is added on the way, and the fifth worker comes last: what was answered with
// 200 reaches each worker that subscribed to its path then, and no other; the file shrinks when all
// have all.
func TestKilledCarrierLosesNothingOfAnySubscription(t *testing.T) {
	t.Parallel()
	const lastFrom = 2 // the run from which on there is a sixth one
	f := &fanout{
		t: t, door: programtest.FreeAddress(t), dir: filepath.Join(t.TempDir(), "data"), stored: map[string]storedAt{},
		topics: []string{"/", "/a/", "/b/", "/a/,/b/", "/", "/c"},
	}
	f.env = env{
		"CARRIER_ADMIN_ADDRESS":  programtest.FreeAddress(t),
		"CARRIER_INGEST_ADDRESS": f.door, "CARRIER_INGEST_DATA_DIR": f.dir, "CARRIER_CONCURRENCY": "4",
	}
	for range 4 {
		f.workers = append(f.workers, newWorker(t, always(says(200))))
	}
	f.workers = append(f.workers, absentWorker(t, always(says(200))), newWorker(t, always(says(200))))
	for run := range 4 {
		n := 5
		if run >= lastFrom {
			n = 6
		}
		f.runAndKill(run, n)
	}
	before := f.fileSize()
	f.workers[4].listen()
	f.start(6)
	until(t, "an empty queue", func() bool {
		listed := call(t, http.MethodGet, "http://"+f.admin+"/metrics").Body
		return strings.Contains(listed, `carrier_ingest_queue_messages{route="s5"} 0`) && f.allWaiting() == 0
	})
	f.stop()
	f.compare(lastFrom)
	if after := f.fileSize(); before < 8<<20 || after > before/2 {
		t.Errorf("the file had %d bytes and has %d, emptied", before, after)
	}
}

// allWaiting is how many messages all subscriptions wait for.
func (f *fanout) allWaiting() (n int) {
	for name, value := range f.metrics() {
		if strings.HasPrefix(name, "carrier_ingest_messages{") {
			n += int(value)
		}
	}
	return n
}

func (f *fanout) fileSize() int64 {
	f.t.Helper()
	info, err := os.Stat(filepath.Join(f.dir, "queue.db"))
	must(f.t, err)
	return info.Size()
}

// compare sets what each worker got beside what was stored.
func (f *fanout) compare(lastFrom int) {
	f.t.Helper()
	for i, w := range f.workers {
		got := map[string]bool{}
		for _, r := range w.got() {
			got[r.Body] = true
			// What was cut off before its answer may be stored and delivered all the same.
			if s, known := f.stored[r.Body]; known && !subscribes(f.topics[i], s.path) {
				f.t.Errorf("s%d got %.10s, which was stored at %s", i, r.Body, s.path)
			}
			if i == 5 && r.Body[0] < byte('0'+lastFrom) {
				f.t.Errorf("s5 got %.10s, which was stored before it was there", r.Body)
			}
		}
		for body, s := range f.stored {
			if subscribes(f.topics[i], s.path) && (i < 5 || s.run >= lastFrom) && !got[body] {
				f.t.Errorf("s%d never got %.10s, which was stored at %s", i, body, s.path)
			}
		}
	}
	if len(f.stored) < 400 {
		f.t.Errorf("only %d messages were stored", len(f.stored))
	}
}

func subscribes(topics, path string) bool {
	for topic := range strings.SplitSeq(topics, ",") {
		if path == topic || strings.HasSuffix(topic, "/") && strings.HasPrefix(path, topic) {
			return true
		}
	}
	return false
}
