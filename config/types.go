package config

import (
	"carrier/config/routenames"
	"carrier/config/values"
)

// The kinds of values that a variable may have beside those of Go.
type (
	// Secret does not print itself.
	Secret = values.Secret
	// Size is a number of bytes.
	Size = values.Size
	// Prefetch is a number of messages, or Auto.
	Prefetch = values.Prefetch
	// List is what is written between commas.
	List = values.List
	// Durations are what is written between commas.
	Durations = values.Durations
	// Rate is a number of messages in a time.
	Rate = values.Rate
	// Statuses are HTTP statuses.
	Statuses = values.Statuses
	// Header is one header of CARRIER_WEBHOOK_HEADERS.
	Header = values.Header
)

// Auto is the Prefetch that lets carrier choose.
const Auto = values.Auto

// DefaultRoute is what the route without a name is called where one is asked for by name.
const DefaultRoute = routenames.Default

// NewSecret returns s as a Secret.
func NewSecret(s string) Secret { return values.NewSecret(s) }

// ExtraHeaders are CARRIER_WEBHOOK_HEADERS taken apart, in their order; nil when there are none. They
// are as secret as the variable.
func (w WebhookOptions) ExtraHeaders() []Header {
	headers, _ := values.ParseHeaders(w.Headers.Reveal())
	return headers
}
