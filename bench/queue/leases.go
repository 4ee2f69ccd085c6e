package queue

// An expiry is the end of a lease, as it was when it was written down: leases that
// have been changed or ended since are told by their entries.
type expiry struct {
	at int64
	n  uint32
}

// leases is a heap with the earliest end first. The usual lease ends after all others,
// so that pushing it moves nothing.
type leases []expiry

func (l *leases) push(x expiry) {
	h := append(*l, x)
	i := len(h) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if h[parent].at <= x.at {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = x
	*l = h
}

func (l *leases) pop() expiry {
	h := *l
	top, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	i := 0
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1].at < h[child].at {
			child++
		}
		if last.at <= h[child].at {
			break
		}
		h[i] = h[child]
		i = child
	}
	if len(h) > 0 {
		h[i] = last
	}
	*l = h
	return top
}
