//go:build race

package live

// memoryFactor is how much more memory the race detector takes than the server
// itself: five to ten times (go.dev/doc/articles/race_detector).
const memoryFactor = 5
