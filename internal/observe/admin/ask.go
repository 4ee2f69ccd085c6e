package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"carrier/internal/httpapi"
)

// maxJSON is the largest answer of the admin port's API that is read, in bytes.
const maxJSON = 16 << 20

// ErrNoAPI means that whoever has the admin port does not serve what was asked for there.
var ErrNoAPI = errors.New("the carrier that runs does not answer this on its admin port")

// Ask is Send of a request without a body.
func Ask(ctx context.Context, address, token, method, path string, answer any) error {
	return Send(ctx, address, token, method, path, nil, answer)
}

// Send makes a request to the API of the admin port at address, as it is configured, with in as its
// JSON, nil for none, and decodes the answer into answer. It waits until ctx ends. An answer other than
// 200, or 202 and 204, which have none, is an error that says what the answer says; it wraps ErrNoAPI
// where there is no such path.
func Send(ctx context.Context, address, token, method, path string, in, answer any) error {
	header := http.Header{"Authorization": {"Bearer " + token}}
	var sent io.Reader
	if in != nil {
		document, err := json.Marshal(in)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(document)
		header["Content-Type"] = []string{"application/json"}
	}
	got, err := request(ctx, address, method, path, header, sent)
	if err != nil {
		return err
	}
	defer func() { _ = got.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(got.Body, maxJSON))
	if err != nil {
		return fmt.Errorf("ask the admin port: %w", err)
	}
	switch got.StatusCode {
	case http.StatusNoContent, http.StatusAccepted:
		return nil
	case http.StatusOK:
		if err := json.Unmarshal(body, answer); err != nil {
			return fmt.Errorf("ask the admin port: %w", err)
		}
		return nil
	}
	var p httpapi.Problem
	if err := json.Unmarshal(body, &p); err == nil && p.Detail != "" {
		return fmt.Errorf("the carrier that runs says: %s", p.Detail)
	}
	return fmt.Errorf("%w: status %d", ErrNoAPI, got.StatusCode)
}
