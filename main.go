// Command carrier hands messages from a queue to the worker beside it.
package main

func main() {}
