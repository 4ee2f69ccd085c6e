package demand

import "math"

// room is how many messages a receive may ask for at a worker that several routes share. While no
// place is free it is none; what a receive brings beyond the free places waits, a batch at most.
// The lock is held.
func (d *Demand) room() int {
	switch {
	case d.share == nil:
		return math.MaxInt
	case d.mayOpen || d.share.Free():
		return d.batch - d.waiting() - d.asked
	default:
		return 0
	}
}

// waiting is how many messages want a place at the shared worker and have none. The lock is held.
func (d *Demand) waiting() int { return d.heads - d.share.Held() }

// placeFree notes that a place at the shared worker has become free. Another route may have it by
// now: were a receive begun only while a place stays free, a route with little to do would not be
// able to ask beside a busy one. So each release lets every route begin a receive that has none
// open, and at most half a batch waiting.
func (d *Demand) placeFree() {
	d.change(func() {
		if d.open == 0 && d.waiting() <= d.batch/2 {
			d.mayOpen = true
		}
	})
}
