//go:build !race

package live

// memoryFactor is 1 where memory is the server's own.
const memoryFactor = 1
