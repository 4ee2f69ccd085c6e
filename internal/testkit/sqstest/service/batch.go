package service

import (
	"regexp"

	"carrier/internal/testkit/sqstest/shapes"
)

const maxBatch = 10

var entryID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// checkBatch returns what is wrong with a batch as a whole.
func checkBatch(ids []string) *shapes.Error {
	if len(ids) == 0 {
		return shapes.Sender("EmptyBatchRequest", "There should be at least one entry in the request.")
	}
	if len(ids) > maxBatch {
		return shapes.Sender("TooManyEntriesInBatchRequest", "Maximum number of entries per request are %d. You have sent %d.", maxBatch, len(ids))
	}
	seen := map[string]bool{}
	for _, id := range ids {
		if !entryID.MatchString(id) {
			return shapes.Sender("InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
		if seen[id] {
			return shapes.Sender("BatchEntryIdsNotDistinct", "Id %s repeated.", id)
		}
		seen[id] = true
	}
	return nil
}

// batch does each entry's work and sorts what came of it.
func (c *Call) batch(ids []string, do func(i int) (any, *shapes.Error)) *shapes.BatchOut {
	out := &shapes.BatchOut{Successful: []any{}, Failed: []shapes.FailedEntry{}}
	for i, id := range ids {
		fault := c.fault(i, id)
		if fault != nil && fault.Done {
			_, _ = do(i)
		}
		if fault != nil {
			out.Failed = append(out.Failed, shapes.FailedEntry{ID: id, Code: fault.Code, Message: fault.Message, SenderFault: fault.SenderFault})
			continue
		}
		done, err := do(i)
		if err != nil {
			out.Failed = append(out.Failed, shapes.FailedEntry{ID: id, Code: err.Code, Message: err.Message, SenderFault: !err.Receiver})
			continue
		}
		out.Successful = append(out.Successful, done)
	}
	return out
}
