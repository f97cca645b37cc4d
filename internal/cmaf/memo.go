package cmaf

import "sync"

// Memo keeps what readers derive from a snapshot, so that a playlist is
// rendered once and shared by all who ask, and let go with the snapshot.
type Memo struct {
	values sync.Map // of memoKey[T] to func() T, of which each runs once
}

// memoKey keeps values of one name and two types apart.
type memoKey[T any] struct{ name string }

// Once returns what derive returned when a memo was first asked for a name and a
// type. Callers that ask at the same time wait for the one that derives.
func Once[T any](m *Memo, name string, derive func() T) T {
	key := memoKey[T]{name}
	once, ok := m.values.Load(key)
	if !ok {
		once, _ = m.values.LoadOrStore(key, sync.OnceValue(derive))
	}
	return once.(func() T)() //nolint:errcheck,forcetypeassert // as the key says
}
