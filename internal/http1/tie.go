package http1

import (
	"context"
	"errors"
	"time"
)

// longPast makes every read and write under way return.
const longPast = -time.Second

var errCut = errors.New("the connection was cut off")

// tie makes the end of ctx cut off reads and writes, those under way and all later ones. A deadline
// is set before. It reports false where the connection cannot be used any more, since the end of a
// context that it was tied to before is about to cut it.
func (k *conn) tie(ctx context.Context) bool {
	if ctx.Done() == k.ends {
		return ctx.Err() == nil
	}
	if !k.untie() {
		return false
	}
	k.ends, k.stop = ctx.Done(), context.AfterFunc(ctx, k.cut)
	return true
}

// untie undoes tie. It reports false where the context has ended.
func (k *conn) untie() bool {
	if k.stop == nil {
		return true
	}
	stopped := k.stop()
	k.ends, k.stop = nil, nil
	return stopped
}

func (k *conn) cut() { _ = k.SetDeadline(time.Now().Add(longPast)) }
