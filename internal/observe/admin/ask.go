package admin

import (
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

// Ask makes a request to the API of the admin port at address, as it is configured, and decodes the
// answer into answer. It waits until ctx ends. An answer other than 200, or 204 without one, is an error that says what
// the answer says; it wraps ErrNoAPI where there is no such path.
func Ask(ctx context.Context, address, token, method, path string, answer any) error {
	header := http.Header{"Authorization": {"Bearer " + token}}
	got, err := request(ctx, address, method, path, header)
	if err != nil {
		return err
	}
	defer func() { _ = got.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(got.Body, maxJSON))
	if err != nil {
		return fmt.Errorf("ask the admin port: %w", err)
	}
	if got.StatusCode == http.StatusNoContent {
		return nil
	}
	if got.StatusCode == http.StatusOK {
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
