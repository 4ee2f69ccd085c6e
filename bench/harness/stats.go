package harness

import "time"

// The programs' own counts, as far as scenarios read them.
type (
	// QueueStats are those of sqsserver and pubsubserver.
	QueueStats struct {
		Put          int               `json:"put"`
		Visible      int               `json:"visible"`
		InFlight     int               `json:"in_flight"`
		Deleted      int               `json:"deleted"`
		Received     int               `json:"received"`
		DeletedAgain int               `json:"deleted_again"`
		DeletedLate  int               `json:"deleted_late"`
		Expired      int               `json:"expired"`
		GivenBack    int               `json:"given_back"`
		Calls        map[string]int    `json:"calls"`
		FirstReceive int64             `json:"first_receive"`
		CallTime     time.Duration     `json:"call_time"`
		Faults       map[string]uint64 `json:"faults"`
		Sent         int               `json:"sent"`
	}
	// WorkerStats are those of worker.
	WorkerStats struct {
		Posts        int           `json:"posts"`
		Accepted     int           `json:"accepted"`
		Deferred     int           `json:"deferred"`
		Failed       int           `json:"failed"`
		Dropped      int           `json:"dropped"`
		Distinct     int           `json:"distinct"`
		Duplicates   int           `json:"duplicates"`
		AtOnce       int           `json:"at_once"`
		Early        int           `json:"early"`
		CutOff       int           `json:"cut_off"`
		WrongSize    int           `json:"wrong_size"`
		InFlight     int           `json:"in_flight"`
		MostInFlight int           `json:"most_in_flight"`
		Busy         time.Duration `json:"busy"`
		FirstPost    int64         `json:"first_post"`
		P50          time.Duration `json:"p50"`
		P99          time.Duration `json:"p99"`
	}
	// PosterStats are those of poster.
	PosterStats struct {
		OK      int            `json:"ok"`
		Refused map[string]int `json:"refused"`
		Errors  int            `json:"errors"`
		P50     time.Duration  `json:"p50"`
		P99     time.Duration  `json:"p99"`
	}
)

func (q QueueStats) calls() int {
	n := 0
	for _, c := range q.Calls {
		n += c
	}
	return n
}
