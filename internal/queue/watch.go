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
		q.mu.Lock()
		defer q.mu.Unlock()
		q.reportEvicted(q.reported.Add(reportPause)) // what is left
	}()
	for {
		select {
		case <-q.commits.Stopped():
			return
		case <-q.commits.Down():
			return
		case now := <-tick.C:
			err := q.file.InPlace()
			q.mu.Lock()
			if err != nil && !q.commits.Closing() {
				q.commits.Fail(err)
			}
			q.forgetExpired(now)
			q.lookAfterSubscriptions(now)
			q.reportEvicted(now)
			q.mu.Unlock()
		}
	}
}
