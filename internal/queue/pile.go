package queue

import "container/heap"

// A pile is a heap of items, each of which knows its place, so that any can be taken out.
type pile struct {
	before func(a, b *item) bool
	items  []*item
}

func (p *pile) push(it *item) {
	it.pile = p
	heap.Push(p, it)
}

func (p *pile) remove(it *item) {
	heap.Remove(p, int(it.place))
	it.pile = nil
}

// moved puts it where it belongs after its key has changed.
func (p *pile) moved(it *item) { heap.Fix(p, int(it.place)) }

func (p *pile) top() *item {
	if len(p.items) == 0 {
		return nil
	}
	return p.items[0]
}

// Len, Less, Swap, Push and Pop are container/heap's.
func (p *pile) Len() int           { return len(p.items) }
func (p *pile) Less(i, j int) bool { return p.before(p.items[i], p.items[j]) }
func (p *pile) Swap(i, j int) {
	p.items[i], p.items[j] = p.items[j], p.items[i]
	p.items[i].place, p.items[j].place = int32(i), int32(j)
}

// Push appends x.
func (p *pile) Push(x any) {
	it := x.(*item)
	it.place = int32(len(p.items))
	p.items = append(p.items, it)
}

// Pop takes the last one away.
func (p *pile) Pop() any {
	last := len(p.items) - 1
	it := p.items[last]
	p.items[last] = nil
	p.items = p.items[:last]
	return it
}
