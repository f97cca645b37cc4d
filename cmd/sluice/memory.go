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
)

// trimMemory gives memory back to the system soon after a crowd has left, until
// ctx ends. Go alone keeps it for minutes: it collects when there is something
// to allocate, and a server that was left by everybody allocates nothing.
func trimMemory(ctx context.Context) {
	tick := time.NewTicker(trimEvery)
	defer tick.Stop()
	before := readHeap()
	trimmed := before.held() // after the last time
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		h := readHeap()
		// Between two collections of a busy heap there is no more free than in use.
		emptied := h.free > trimAbove && h.free > 2*h.objects
		forgotten := h.collections == before.collections && h.held() > trimmed+trimAbove
		if emptied || forgotten {
			// Twice, since pools keep what they hold for one collection more.
			debug.FreeOSMemory()
			debug.FreeOSMemory()
			h = readHeap()
			trimmed = h.held()
		}
		before = h
	}
}

// heap is what the heap holds of the system's memory, in bytes.
type heap struct {
	objects, free uint64
	collections   uint64
}

func (h heap) held() uint64 { return h.objects + h.free }

func readHeap() heap {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
	}
	metrics.Read(samples)
	return heap{objects: samples[0].Value.Uint64(), free: samples[1].Value.Uint64(), collections: samples[2].Value.Uint64()}
}
