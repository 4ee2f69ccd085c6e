package http1

import "testing"

func TestNamesThatServersTakeForOneAreFolded(t *testing.T) {
	for name, want := range map[string]string{
		"content-encoding": "Content-Encoding",
		"Content_encoding": "Content-Encoding",
		"CONTENT.ENCODING": "Content-Encoding",
		"x|carrier_id":     "X-Carrier-Id",
		"Te":               "Te",
	} {
		if got := Folded(name); got != want {
			t.Errorf("%s is folded to %s, want %s", name, got, want)
		}
	}
}

func TestFieldsOfOneConnectionAreKnown(t *testing.T) {
	for name, want := range map[string]bool{"Connection": true, "Te": true, "Upgrade": true, "Date": false, "Content-Length": false} {
		if IsHopByHop(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}
