package handoff

import (
	"crypto/rand"
	"encoding/hex"

	"carrier/internal/recent"
)

// A key is what a token stands for: 128 random bits.
type key = recent.Key

// tokens makes keys. The randomness of several is read at once.
type tokens struct {
	random [32 * len(key{})]byte
	left   int // bytes of random that no key has yet
}

func (t *tokens) next() (k key) {
	if t.left == 0 {
		_, _ = rand.Read(t.random[:]) // never fails: it ends the program where there is no randomness
		t.left = len(t.random)
	}
	t.left -= copy(k[:], t.random[t.left-len(k):t.left])
	return k
}

// tokenOf is k as consumers have it: in hexadecimal digits.
func tokenOf(k key) string { return hex.EncodeToString(k[:]) }

// keyOf is the key of a token, if it is one.
func keyOf(token string) (k key, is bool) {
	if len(token) != 2*len(k) {
		return k, false
	}
	for i := range len(token) {
		if digit := token[i]; digit >= 'A' && digit <= 'F' { // which hex would take too
			return k, false
		}
	}
	var digits [2 * len(k)]byte
	copy(digits[:], token)
	_, err := hex.Decode(k[:], digits[:])
	return k, err == nil
}
