package main

import (
	"bytes"
	"net"
	"net/http"
	"testing"
	"time"

	"carrier/bench/http1"
	"carrier/bench/load"
)

const second = int64(time.Second)

func TestLedgerTellsWhatCameTwiceEarlyOrAtOnce(t *testing.T) {
	var l ledger
	at := 1000 * second
	deliver := func(n uint64, a answer) {
		l.enter(n, at-second, at)
		at += second
		l.leave(n, at-second, at, a)
	}
	deliver(0, answer{kind: postpone, retryAfter: 10 * time.Second})
	deliver(0, answer{kind: fail}) // nine seconds early
	at += 10 * second
	deliver(0, answer{kind: accept})
	deliver(0, answer{kind: accept}) // a duplicate
	deliver(5000, answer{kind: drop})
	l.enter(1, at-second, at)
	l.enter(1, at-second, at) // at once
	l.leave(1, at, at, answer{kind: accept})
	l.leave(1, at, at, answer{kind: drop})

	got := l.read()
	want := stats{
		Posts: 7, Accepted: 3, Deferred: 1, Failed: 1, Dropped: 2, Distinct: 2, Duplicates: 1, AtOnce: 1, Early: 1,
		MostInFlight: 2, Busy: 5 * time.Second, FirstPost: 1000 * second, LastPost: at,
		P50: got.P50, P99: got.P99, Max: got.Max, Timed: 4,
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got.P50 < time.Second || got.Max > 1010*time.Millisecond {
		t.Errorf("a second under way counted as %v to %v", got.P50, got.Max)
	}
	l.forget()
	if got := l.read(); got.Timed != 0 || got.Posts != 7 {
		t.Errorf("a new window: %+v", got)
	}
}

func TestTemperKeepsItsShares(t *testing.T) {
	temper := temper{latency: 1, slow: 2, slowShare: 0.01, postpone: 0.1, retryAfter: time.Second, fail: 0.05, drop: 0.01}
	kinds, slow := map[kind]int{}, 0
	for n := 1; n <= 1000; n++ {
		a := temper.answer(n)
		kinds[a.kind]++
		if a.after == 2 {
			slow++
		}
	}
	if kinds[postpone] != 100 || kinds[fail] != 50 || kinds[drop] != 10 || kinds[accept] != 840 || slow != 10 {
		t.Errorf("%v, %d slow", kinds, slow)
	}
}

func TestWorkerAnswersAndCounts(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	w := &worker{size: 200, temper: temper{postpone: 0.5, retryAfter: 3 * time.Second}}
	go func() {
		_ = http1.Serve(l, http1.Options{Handle: w.handle, Keep: load.HeadLen, CutOff: w.ledger.cutOff})
	}()
	var codes []int
	for n := range 5 {
		body := append(load.AppendHead(nil, uint64(n), time.Now().UnixNano()), load.Rest(200)...)
		if n == 4 {
			body = body[:150]
		}
		resp, err := http.Post("http://"+l.Addr().String(), "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		codes = append(codes, resp.StatusCode)
		if resp.StatusCode == http.StatusTooManyRequests && resp.Header.Get("Retry-After") != "3" {
			t.Errorf("Retry-After: %q", resp.Header.Get("Retry-After"))
		}
	}
	if want := []int{200, 429, 200, 429, 422}; len(codes) != 5 || codes[0] != want[0] || codes[1] != want[1] || codes[4] != want[4] {
		t.Errorf("answered %v, want %v", codes, want)
	}
	if s := w.ledger.read(); s.Accepted != 2 || s.Deferred != 2 || s.WrongSize != 1 || s.Distinct != 2 {
		t.Errorf("%+v", s)
	}
}
