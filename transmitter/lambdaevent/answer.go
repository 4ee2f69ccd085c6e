package lambdaevent

import (
	"encoding/json"
	"slices"
)

// Handled reads a function's answer to an event whose records have these ids, in order, and reports of
// each whether it was handled. All were where the answer is empty, null, any JSON value but an object,
// or an object whose batchItemFailures is missing, null or empty. Those that are listed were not. None
// was where the answer is no JSON, where the list is none, or where an itemIdentifier of it is missing,
// empty or of no record.
func Handled(answer []byte, ids []string) []bool {
	failed, ok := failures(answer)
	handled := slices.Repeat([]bool{ok}, len(ids))
	for _, id := range failed {
		if !slices.Contains(ids, id) {
			return make([]bool, len(ids))
		}
		for i := range ids { // a message may have come twice
			handled[i] = handled[i] && ids[i] != id
		}
	}
	return handled
}

// failures returns the identifiers that an answer lists; ok is false where it cannot be read.
func failures(answer []byte) (ids []string, ok bool) {
	if len(answer) == 0 {
		return nil, true
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(answer, &fields) != nil {
		return nil, json.Valid(answer) // a function may return what it likes
	}
	var list []map[string]any // a struct's names would match in any case
	if raw, listed := fields["batchItemFailures"]; listed && json.Unmarshal(raw, &list) != nil {
		return nil, false
	}
	for _, f := range list {
		id, _ := f["itemIdentifier"].(string)
		ids = append(ids, id)
	}
	return ids, true
}
