package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIsLeft(t *testing.T) {
	const mb = 1 << 20
	for name, c := range map[string]struct {
		trimmed, before, now heap
		want                 bool
	}{
		"at the start": {heap{objects: 10 * mb}, heap{objects: 10 * mb}, heap{objects: 11 * mb, allocated: mb}, false},
		"a crowd has left, and nothing was collected since": {
			heap{objects: 10 * mb},
			heap{objects: 140 * mb, allocated: 5000 * mb, collections: 90},
			heap{objects: 142 * mb, allocated: 5002 * mb, collections: 90},
			true,
		},
		"a crowd is there": {
			heap{objects: 10 * mb},
			heap{objects: 100 * mb, allocated: 5000 * mb, collections: 90},
			heap{objects: 142 * mb, allocated: 5042 * mb, collections: 90},
			false,
		},
		"a large server, which is collected every 45 s": {
			heap{objects: 20 * mb},
			heap{objects: 900 * mb, allocated: 90_000 * mb, collections: 200},
			heap{objects: 1100 * mb, allocated: 90_200 * mb, collections: 200},
			false,
		},
		"it was trimmed, and what it holds is in use": {
			heap{objects: 140 * mb, allocated: 5000 * mb, collections: 92},
			heap{objects: 140 * mb, allocated: 5000 * mb, collections: 92},
			heap{objects: 142 * mb, allocated: 5002 * mb, collections: 92},
			false,
		},
		"a collection came by itself": {
			heap{objects: 10 * mb},
			heap{objects: 140 * mb, allocated: 5000 * mb, collections: 90},
			heap{objects: 60 * mb, free: 80 * mb, allocated: 5002 * mb, collections: 91},
			false,
		},
		"and left nearly nothing": {
			heap{objects: 10 * mb},
			heap{objects: 140 * mb, allocated: 5000 * mb, collections: 90},
			heap{objects: 10 * mb, free: 130 * mb, allocated: 5002 * mb, collections: 91},
			true,
		},
		"a small one": {heap{objects: 5 * mb}, heap{objects: 20 * mb}, heap{objects: 5 * mb, free: 15 * mb, collections: 1}, false},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, isLeft(c.trimmed, c.before, c.now)) })
	}
}

func TestReadHeap(t *testing.T) {
	before := readHeap()
	kept := make([]byte, 8<<20)
	now := readHeap()
	require.GreaterOrEqual(t, now.allocated-before.allocated, uint64(len(kept)))
	require.NotZero(t, now.objects)
}
