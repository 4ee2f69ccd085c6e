//go:build nopubsub

package builtin

func pubsubKind() *kind { return nil }

func pubsubEngine() *engine { return nil }
