package workerapi

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnswerOfManyBytesIsWhole(t *testing.T) {
	for name, c := range map[string]struct {
		size   int // of each of four bodies
		pieces bool
	}{"few": {1, false}, "many": {40 << 10, true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(Options{})
				for i := range 4 {
					go func() {
						time.Sleep(time.Second)
						b.offer(t.Context(), fmt.Sprint(i), strings.Repeat(fmt.Sprint(i), c.size))
					}()
				}
				w := b.do(t, "POST", "/v1/pull", `{"max":4}`)
				var got struct{ Messages []document }
				if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got.Messages) != 4 {
					t.Fatalf("%d messages: %v", len(got.Messages), err)
				}
				for _, m := range got.Messages {
					if *m.Body != strings.Repeat(m.ID, c.size) {
						t.Errorf("%s has another body", m.ID)
					}
					b.do(t, "POST", "/v1/messages/"+m.Token+"/ack", "")
				}
				want := strconv.Itoa(w.Body.Len())
				if c.pieces {
					want = "" // nobody knew it when the answer began
				}
				if length := w.Header().Get("Content-Length"); length != want {
					t.Errorf("Content-Length %q, want %q", length, want)
				}
			})
		})
	}
}

func TestConsumerIsAnsweredWhenItHasAllThatItAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(Options{})
		for i := range 3 {
			go func() {
				time.Sleep(time.Second + time.Duration(i)*time.Millisecond)
				b.offer(t.Context(), fmt.Sprint(i), "")
			}()
		}
		begun := time.Now()
		w := b.do(t, "POST", "/v1/pull", `{"max":3}`)
		if took, n := time.Since(begun), strings.Count(w.Body.String(), `"token"`); n != 3 || took != time.Second+2*time.Millisecond {
			t.Errorf("%d messages after %v", n, took)
		}
		for range 3 { // their time is over
			<-b.outcomes
		}
	})
}
