package dispatch

import "sync"

// lanes lets one message of a group go ahead at a time. A group has a lane while
// its head is in hand; what comes behind waits in the lane and takes no slot.
type lanes struct {
	mu    sync.Mutex
	tails map[string][]*hand
}

func newLanes() *lanes { return &lanes{tails: map[string][]*hand{}} }

// enter reports whether h may go ahead. If not, it waits in its lane until next
// or takeTail brings it out.
func (l *lanes) enter(h *hand) bool {
	if !h.m.Ordered {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	tail, busy := l.tails[h.m.Group]
	if busy {
		l.tails[h.m.Group] = append(tail, h)
		return false
	}
	l.tails[h.m.Group] = nil
	return true
}

// next takes the message behind h, whose turn it is. Where there is none the
// lane ends, and the group's next message will be a head.
func (l *lanes) next(h *hand) *hand {
	if !h.m.Ordered {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	tail := l.tails[h.m.Group]
	if len(tail) == 0 {
		delete(l.tails, h.m.Group)
		return nil
	}
	l.tails[h.m.Group] = tail[1:]
	return tail[0]
}

// takeTail takes what waits behind h. The lane stays busy.
func (l *lanes) takeTail(h *hand) []*hand {
	if !h.m.Ordered {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.take(h.m.Group)
}

// takeTails takes what waits behind every head. The lanes stay busy.
func (l *lanes) takeTails() [][]*hand {
	l.mu.Lock()
	defer l.mu.Unlock()
	var tails [][]*hand
	for group, tail := range l.tails {
		if len(tail) > 0 {
			tails = append(tails, l.take(group))
		}
	}
	return tails
}

func (l *lanes) take(group string) []*hand {
	tail := l.tails[group]
	if len(tail) > 0 {
		l.tails[group] = nil
	}
	return tail
}
