package http1

import "testing"

func TestInterimAnswerIsFinalWhereTheRequestSaysSo(t *testing.T) {
	const processing = "HTTP/1.1 102 Processing\r\n\r\n"
	for name, c := range map[string]struct {
		answer        string
		final, status int
		connections   int64
	}{
		"alone":                    {processing, 102, 102, 2},
		"before another one":       {processing + ok, 102, 102, 2},
		"behind an interim one":    {"HTTP/1.1 100 Continue\r\n\r\n" + processing, 102, 102, 2},
		"not asked for":            {processing + ok, 0, 200, 1},
		"asked for, and none came": {ok, 102, 200, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, answering(c.answer))
			client := s.client(t, Options{})
			a, err := client.Do(t.Context(), Request{Head: []byte(request), FinalInterim: c.final})
			if err != nil || a.Status != c.status {
				t.Fatalf("status %d, %v", a.Status, err)
			}
			if a, err := client.Do(t.Context(), Request{Head: []byte(request)}); err != nil || a.Status != 299 {
				t.Errorf("the next request: %d, %v", a.Status, err)
			}
			if n := s.connections.Load(); n != c.connections {
				t.Errorf("%d connections", n)
			}
		})
	}
}
