package http1

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// slow returns a client whose only server answers each request after so long.
func slow(t *testing.T, after time.Duration) *Client {
	t.Helper()
	var serving sync.WaitGroup
	c := New(Options{
		SharedContext: true, IdleTimeout: time.Hour,
		Dial: func(context.Context) (net.Conn, error) {
			near, far := net.Pipe()
			serving.Go(func() {
				defer func() { _ = far.Close() }()
				in := bufio.NewReader(far)
				for {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					_ = r.Body.Close()
					time.Sleep(after)
					if _, err := io.WriteString(far, ok); err != nil {
						return
					}
				}
			})
			return near, nil
		},
	})
	t.Cleanup(func() {
		c.Close()
		serving.Wait()
	})
	return c
}

func TestDeadlineCanBeMovedWhileTheAnswerIsWaitedFor(t *testing.T) {
	const answered = time.Minute
	for name, c := range map[string]struct {
		move   func(x *Extension, in func(time.Duration) time.Time)
		within time.Duration // zero: it is answered
	}{
		"nobody moves it":                {func(*Extension, func(time.Duration) time.Time) {}, 10 * time.Second},
		"put off":                        {func(x *Extension, in func(time.Duration) time.Time) { x.PutOff(in(2 * time.Minute)) }, 0},
		"put off to an earlier time":     {func(x *Extension, in func(time.Duration) time.Time) { x.PutOff(in(time.Second)) }, 10 * time.Second},
		"brought forward":                {func(x *Extension, in func(time.Duration) time.Time) { x.BringForward(in(3 * time.Second)) }, 4 * time.Second},
		"brought forward to a later one": {func(x *Extension, in func(time.Duration) time.Time) { x.BringForward(in(time.Hour)) }, 10 * time.Second},
		"put off, and brought forward": {func(x *Extension, in func(time.Duration) time.Time) {
			x.PutOff(in(time.Hour))
			x.BringForward(in(20 * time.Second))
		}, 21 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, x, begun := slow(t, answered), &Extension{}, time.Now()
				go func() {
					time.Sleep(time.Second)
					c.move(x, func(d time.Duration) time.Time { return time.Now().Add(d) })
				}()
				a, err := client.Do(t.Context(), Request{Head: []byte(request), Deadline: begun.Add(10 * time.Second), Extension: x})
				took := time.Since(begun)
				switch {
				case c.within == 0 && (err != nil || a.Status != 200 || took != answered):
					t.Errorf("%+v, %v after %v", a, err, took)
				case c.within > 0 && (!errors.Is(err, os.ErrDeadlineExceeded) || took != c.within):
					t.Errorf("%+v, %v after %v, want the end after %v", a, err, took, c.within)
				}
				x.PutOff(time.Now().Add(time.Hour)) // another request may be under way
				if a, err := client.Do(t.Context(), Request{Head: []byte(request), Deadline: time.Now().Add(time.Second)}); err == nil {
					t.Errorf("the next request has the moved deadline too: %+v", a)
				}
			})
		})
	}
}

func TestPuttingOffADeadlineOutlivesNoContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, x := slow(t, time.Hour), &Extension{}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, err := client.Do(ctx, Request{Head: []byte(request), Deadline: time.Now().Add(time.Minute), Extension: x})
			ended <- err
		}()
		synctest.Wait()
		cancel()
		x.PutOff(time.Now().Add(2 * time.Hour))
		begun := time.Now()
		if err := <-ended; !errors.Is(err, context.Canceled) || time.Since(begun) != 0 {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}
