package cmaf

import "sync"

// Memo keeps what readers derive from a snapshot, so that a playlist is
// rendered once and shared by all who ask, and let go with the snapshot.
type Memo struct {
	values sync.Map // of name to func() any, of which each runs once
}

// Once returns what derive returned when a name was first asked for. Callers
// that ask at the same time wait for the one that derives.
func (m *Memo) Once(name string, derive func() any) any {
	once, ok := m.values.Load(name)
	if !ok {
		once, _ = m.values.LoadOrStore(name, sync.OnceValue(derive))
	}
	return once.(func() any)() //nolint:errcheck,forcetypeassert // nothing else is stored
}
