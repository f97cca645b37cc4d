package loadtest

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"io"
	"net/url"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// document is a manifest as it came.
type document struct {
	from   *url.URL // in the end
	packed bool     // with gzip
	bytes  bytes.Buffer
}

// text is the document unpacked.
func (d *document) text() ([]byte, error) {
	if !d.packed {
		return d.bytes.Bytes(), nil
	}
	unpack, err := gzip.NewReader(bytes.NewReader(d.bytes.Bytes()))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(unpack, maxManifest+1))
	if len(text) > maxManifest {
		return nil, fmt.Errorf("it unpacks to more than %d bytes", maxManifest)
	}
	return text, err
}

// keptReadings is more than the manifests that are new at any time.
const keptReadings = 256

// readings are manifests that were read, by their bytes. Viewers of a stream get
// the same ones: that each is read once lets many viewers fit into one machine.
type readings[T any] struct {
	mu    sync.Mutex
	seed  maphash.Seed
	known map[uint64]*reading[T]
	ring  [keptReadings]uint64 // the hashes, the oldest at next
	next  int
}

type reading[T any] struct {
	once  sync.Once
	value T
	err   error
}

func newReadings[T any]() *readings[T] {
	return &readings[T]{seed: maphash.MakeSeed(), known: map[uint64]*reading[T]{}}
}

// read gives what a document says, which is shared: nobody may change it. What
// cannot be read is a fault.
func (r *readings[T]) read(d *document, parse func(text []byte, from *url.URL) (T, error)) (T, error) {
	found := r.find(d)
	found.once.Do(func() {
		text, err := d.text()
		if err == nil {
			found.value, err = parse(text, d.from)
		}
		if err != nil {
			found.err = &fault{"unreadable", d.from.String(), err}
		}
	})
	return found.value, found.err
}

func (r *readings[T]) find(d *document) *reading[T] {
	var h maphash.Hash
	h.SetSeed(r.seed)
	_, _ = h.WriteString(d.from.Host + d.from.Path)
	_ = h.WriteByte(0)
	_, _ = h.Write(d.bytes.Bytes())
	key := h.Sum64()
	r.mu.Lock()
	defer r.mu.Unlock()
	found := r.known[key]
	if found == nil {
		found = &reading[T]{}
		delete(r.known, r.ring[r.next])
		r.known[key], r.ring[r.next] = found, key
		r.next = (r.next + 1) % keptReadings
	}
	return found
}
