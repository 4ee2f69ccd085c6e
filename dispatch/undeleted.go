package dispatch

import "sync"

// undeletedMost is how many ids are remembered; the oldest go first.
const undeletedMost = 10_000

// undeleted remembers the messages that the worker accepted and that the source
// was not heard to remove. When one comes back it is removed without a second post.
type undeleted struct {
	mu    sync.Mutex
	ids   map[string]struct{}
	order []string // oldest first; may name ids that were forgotten since
}

func newUndeleted() *undeleted { return &undeleted{ids: map[string]struct{}{}} }

// remember adds id.
func (u *undeleted) remember(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, known := u.ids[id]; known {
		return
	}
	u.ids[id] = struct{}{}
	u.order = append(u.order, id)
	for len(u.order) > undeletedMost {
		delete(u.ids, u.order[0])
		u.order = u.order[1:]
	}
}

// forget removes id.
func (u *undeleted) forget(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if delete(u.ids, id); len(u.ids) == 0 {
		u.order = nil
	}
}

// has reports whether id is remembered.
func (u *undeleted) has(id string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	_, known := u.ids[id]
	return known
}
