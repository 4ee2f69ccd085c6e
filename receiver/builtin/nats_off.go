//go:build nonats

package builtin

func natsKind() *kind { return nil }
