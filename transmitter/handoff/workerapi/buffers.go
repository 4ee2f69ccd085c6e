package workerapi

import "sync"

// A buffer is room for what is sent or was read.
type buffer struct{ text []byte }

// buffers are those that nobody uses. They are safe for concurrent use.
type buffers struct{ pool sync.Pool }

// take returns an empty buffer.
func (b *buffers) take() *buffer {
	if room, ok := b.pool.Get().(*buffer); ok {
		room.text = room.text[:0]
		return room
	}
	return &buffer{}
}

// put gives a buffer back. A large one goes.
func (b *buffers) put(room *buffer) {
	if cap(room.text) <= 2*maxAnswer {
		b.pool.Put(room)
	}
}
