package route

import (
	"context"

	"carrier/internal/deadletter"
	"carrier/internal/deadletter/adminapi"
	"carrier/receiver/builtin"
)

// newDeadLetters assembles what the admin port answers about the dead letters of all routes.
func newDeadLetters(all []*Route) *adminapi.API {
	var routes []adminapi.Route
	for _, r := range all {
		routes = append(routes, adminapi.Route{Name: r.publicName(), Open: r.openDeadLetters})
	}
	return adminapi.New(routes)
}

func (r *Route) openDeadLetters(ctx context.Context) (deadletter.Store, error) {
	if r.source.DeadLetters == nil {
		return nil, builtin.NoDeadLetters(r.config)
	}
	return r.source.DeadLetters(ctx)
}
