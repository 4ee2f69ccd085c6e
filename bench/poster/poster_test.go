package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"carrier/bench/load"
)

func TestClientsPostTheSameBodiesAndReadTheStatus(t *testing.T) {
	for _, kind := range []string{"nethttp", "bare"} {
		t.Run(kind, func(t *testing.T) {
			var lock sync.Mutex
			seen := map[uint64]int{}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				n, _, err := load.ParseHead(b)
				if err != nil || len(b) != 300 || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
					t.Errorf("%d bytes, %v, %s, %v", len(b), err, r.Method, r.Header)
				}
				lock.Lock()
				seen[n]++
				lock.Unlock()
				if n == 3 {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
				_, _ = io.WriteString(w, "an answer that has to be read")
			}))
			defer server.Close()
			p := &poster{size: 300}
			p.limit.Store(20)
			dial, err := dialer(kind, strings.TrimPrefix(server.URL, "http://"), 2, "")
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				go p.post(dial())
			}
			// The refused one may be read last: all are waited for, not the other 19.
			all := func() bool { s := p.read(); return s.OK+s.Refused["503"]+s.Errors >= 20 }
			for end := time.Now().Add(time.Minute); !all() && time.Now().Before(end); {
				time.Sleep(time.Millisecond)
			}
			if s := p.read(); s.OK != 19 || s.Refused["503"] != 1 || s.Errors != 0 || s.P99 <= 0 {
				t.Errorf("%+v", s)
			}
			lock.Lock()
			defer lock.Unlock()
			for n := range uint64(20) {
				if seen[n] != 1 {
					t.Errorf("body %d came %d times", n, seen[n])
				}
			}
		})
	}
}

func TestUnansweredPostIsAnError(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer server.Close()
	b := &bare{address: strings.TrimPrefix(server.URL, "http://")}
	if status, err := b.Post([]byte("x")); err == nil {
		t.Errorf("status %d", status)
	}
	if b.conn != nil {
		t.Error("the broken connection is kept")
	}
}
