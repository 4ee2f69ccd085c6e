//go:build nosqs

package builtin

func sqsKind() *kind { return nil }

func sqsEngine() *engine { return nil }
