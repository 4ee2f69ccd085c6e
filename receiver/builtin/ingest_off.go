//go:build noingest

package builtin

func ingestKind() *kind { return nil }

// Kept lists nothing: no message is kept.
func Kept() (places, causes []string) { return nil, nil }
