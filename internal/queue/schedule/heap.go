package schedule

import "container/heap"

// An itemHeap knows each item's place in it, so that any can be taken out.
type itemHeap struct {
	before func(a, b *Item) bool
	items  []*Item
}

func (h *itemHeap) push(it *Item) { heap.Push(h, it) }

func (h *itemHeap) remove(it *Item) { heap.Remove(h, int(it.index)) }

// fix puts it where it belongs after its key has changed.
func (h *itemHeap) fix(it *Item) { heap.Fix(h, int(it.index)) }

func (h *itemHeap) first() *Item {
	if len(h.items) == 0 {
		return nil
	}
	return h.items[0]
}

// Len, Less, Swap, Push and Pop are container/heap's.
func (h *itemHeap) Len() int           { return len(h.items) }
func (h *itemHeap) Less(i, j int) bool { return h.before(h.items[i], h.items[j]) }
func (h *itemHeap) Swap(i, j int) {
	h.items[i], h.items[j] = h.items[j], h.items[i]
	h.items[i].index, h.items[j].index = int32(i), int32(j)
}

// Push appends x.
func (h *itemHeap) Push(x any) {
	it := x.(*Item)
	it.index = int32(len(h.items))
	h.items = append(h.items, it)
}

// Pop takes the last one away.
func (h *itemHeap) Pop() any {
	last := len(h.items) - 1
	it := h.items[last]
	h.items[last] = nil
	h.items = h.items[:last]
	if cap(h.items) > 1024 && last < cap(h.items)/4 {
		h.items = append(make([]*Item, 0, cap(h.items)/2), h.items...)
	}
	return it
}
