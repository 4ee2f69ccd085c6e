package deadletters

import "context"

// The operations, for an Observer.
const (
	opListSources = "list_dead_letter_source_queues"
	opStartTask   = "start_message_move_task"
	opListTasks   = "list_message_move_tasks"
	opCancelTask  = "cancel_message_move_task"
)

// sourceQueues asks for the URLs of the queues whose redrive policies name the dead-letter queue.
func (s *Store) sourceQueues(ctx context.Context) ([]string, error) {
	in := struct {
		QueueUrl string //nolint:revive // SQS's name
	}{s.place.DeadURL}
	var out struct {
		QueueURLs []string `json:"queueUrls"`
	}
	err := s.place.DeadClient.CallJSON(ctx, opListSources, "ListDeadLetterSourceQueues", in, &out)
	return out.QueueURLs, err
}

// startTask starts a task and returns its handle. A rate of 0 leaves it to SQS.
func (s *Store) startTask(ctx context.Context, rate int) (string, error) {
	in := struct {
		SourceArn, DestinationArn    string
		MaxNumberOfMessagesPerSecond int `json:",omitempty"`
	}{s.arn, s.place.ARN, rate}
	var out struct{ TaskHandle string }
	err := s.place.DeadClient.CallJSON(ctx, opStartTask, "StartMessageMoveTask", in, &out)
	return out.TaskHandle, err
}

// newestTask asks for the newest task of the queue; the zero value where there is none.
func (s *Store) newestTask(ctx context.Context) (moveTask, error) {
	in := struct {
		MaxResults int
		SourceArn  string
	}{mostTasks, s.arn}
	var out struct{ Results []moveTask }
	err := s.place.DeadClient.CallJSON(ctx, opListTasks, "ListMessageMoveTasks", in, &out)
	if err != nil || len(out.Results) == 0 {
		return moveTask{}, err
	}
	return out.Results[0], nil
}

// cancelTask cancels a task and returns how many messages it has moved.
func (s *Store) cancelTask(ctx context.Context, handle string) (int, error) {
	in := struct{ TaskHandle string }{handle}
	var out struct {
		Moved int `json:"ApproximateNumberOfMessagesMoved"`
	}
	err := s.place.DeadClient.CallJSON(ctx, opCancelTask, "CancelMessageMoveTask", in, &out)
	return out.Moved, err
}
