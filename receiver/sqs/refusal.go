package sqs

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// refusal makes an error of an answer that is none of the 2xx. Its code comes from
// where the SDK takes it: the header of the old query protocol's codes, the one of the
// error's type, the body. An answer that names none is a proxy's, and sorted by its
// status.
func refusal(resp *http.Response, body []byte) error {
	var said struct {
		Type    string `json:"__type"`
		Code    any
		Message string
	}
	if err := json.Unmarshal(body, &said); err != nil && len(body) > 0 {
		return answerError(resp, &smithy.DeserializationError{Err: fmt.Errorf("the answer is no JSON: %w", err)})
	}
	queryCode, _, _ := strings.Cut(resp.Header.Get("X-Amzn-Query-Error"), ";")
	named, _ := said.Code.(string)
	code := "UnknownError"
	for _, c := range []string{queryCode, resp.Header.Get("X-Amzn-Errortype"), said.Type, named} {
		if c != "" {
			code = c
			break
		}
	}
	return answerError(resp, &smithy.GenericAPIError{Code: plainCode(code), Message: said.Message})
}

// answerError says which answer err is about.
func answerError(resp *http.Response, err error) error {
	return &awshttp.ResponseError{
		ResponseError: &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: resp}, Err: err},
		RequestID:     resp.Header.Get("X-Amzn-Requestid"),
	}
}
