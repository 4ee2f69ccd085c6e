package queue

import "time"

// watchInterval is how often the queue looks whether its file is still there.
const watchInterval = 500 * time.Millisecond

// watch looks after what no commit does: that the file is still there, that idempotency keys are
// forgotten in time, and what time does to subscriptions.
func (q *Queue) watch() {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	defer func() {
		q.set.Mu.Lock()
		defer q.set.Mu.Unlock()
		q.set.ReportRest()
	}()
	for {
		select {
		case <-q.set.Stopped():
			return
		case <-q.set.Down():
			return
		case now := <-tick.C:
			err := q.file.InPlace()
			q.set.Mu.Lock()
			if err != nil {
				q.set.Fail(err)
			}
			q.endRemoved(now)
			q.set.LookAfter(now)
			q.set.Mu.Unlock()
		}
	}
}
