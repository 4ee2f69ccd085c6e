package api

// Attributes that mean something to carrier, and to Pub/Sub.
const (
	// ContentTypeAttribute is the attribute in which producers say what the body is.
	ContentTypeAttribute = "Content-Type"
	// EncodingAttribute stands, with the value Empty, in a message that has neither a body nor any
	// other attribute: Pub/Sub takes no such message.
	EncodingAttribute = "Body.Encoding"
	Empty             = "empty"
	// Reserved begins the names of attributes that Pub/Sub adds itself and takes from nobody.
	Reserved = "goog"
)
