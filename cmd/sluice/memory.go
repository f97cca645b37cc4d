package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	trimEvery = 10 * time.Second
	// trimAbove is how many bytes are worth a collection.
	trimAbove = 32 << 20
	// idleAllocation is how many bytes a server that has little to do allocates
	// from one look to the next. One that allocates more soon collects by itself.
	idleAllocation = 4 << 20
)

// trimMemory gives memory back to the system soon after a crowd has left, until
// ctx ends. Go alone keeps it for minutes: it collects when there is something
// to allocate, and a server that was left by everybody allocates nothing.
func trimMemory(ctx context.Context) {
	tick := time.NewTicker(trimEvery)
	defer tick.Stop()
	before := readHeap()
	trimmed := before
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := readHeap()
		if isLeft(trimmed, before, now) {
			// Twice, since pools keep what they hold for one collection more.
			debug.FreeOSMemory()
			debug.FreeOSMemory()
			now = readHeap()
			trimmed = now
		}
		before = now
	}
}

// isLeft reports whether the heap holds much that nobody needs, by what it held
// after it was last trimmed, at the last look and now.
func isLeft(trimmed, before, now heap) bool {
	// Between two collections of a busy heap there is no more free than in use.
	emptied := now.free > trimAbove && now.free > 2*now.objects
	// A large heap in use is not collected for a while either, but it fills.
	idle := now.collections == before.collections && now.allocated-before.allocated < idleAllocation
	return emptied || idle && now.held() > trimmed.held()+trimAbove
}

// heap is what the heap holds of the system's memory, in bytes.
type heap struct {
	objects, free uint64
	allocated     uint64 // since the start
	collections   uint64 // since the start
}

func (h heap) held() uint64 { return h.objects + h.free }

func readHeap() heap {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
	}
	metrics.Read(samples)
	return heap{
		objects: samples[0].Value.Uint64(), free: samples[1].Value.Uint64(),
		allocated: samples[2].Value.Uint64(), collections: samples[3].Value.Uint64(),
	}
}
