package record

// A Usage counts messages and what they cost in bytes.
type Usage struct {
	Messages int
	Bytes    int64
}

// Add counts one message more.
func (u *Usage) Add(bytes int64) {
	u.Messages++
	u.Bytes += bytes
}

// Drop counts one message less.
func (u *Usage) Drop(bytes int64) {
	u.Messages--
	u.Bytes = max(0, u.Bytes-bytes)
}

// Put counts as many more as v has.
func (u *Usage) Put(v Usage) {
	u.Messages += v.Messages
	u.Bytes += v.Bytes
}

// Take counts as many less as v has.
func (u *Usage) Take(v Usage) {
	u.Messages -= v.Messages
	u.Bytes = max(0, u.Bytes-v.Bytes)
}
