//go:build nonats

package builtin

func natsKind() *kind { return nil }

func natsEngine() *engine { return nil }
