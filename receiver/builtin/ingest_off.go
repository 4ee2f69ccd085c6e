//go:build noingest

package builtin

func ingestKind() *kind { return nil }
