package playlist

import (
	"fmt"
	"slices"
)

// Merge puts back what a delta update left out, from the playlist that came
// before it (section 6.3.7), and gives the whole. It fails when that one does not
// have it all: the player has to load the whole playlist then.
func (m *Media) Merge(old *Media) (*Media, error) {
	if m.Skipped == 0 {
		return m, nil
	}
	if old == nil || m.First < old.First || old.Skipped > 0 {
		return nil, fmt.Errorf("%w: a delta update to what is not known", ErrPlaylist)
	}
	from := m.First - old.First
	if from+uint64(m.Skipped) > uint64(len(old.Segments)) {
		return nil, fmt.Errorf("%w: a delta update that skips more than is known", ErrPlaylist)
	}
	kept := old.Segments[from : from+uint64(m.Skipped)]
	whole := *m
	whole.Skipped = 0
	whole.Segments = slices.Concat(kept, m.Segments)
	// The init segment may be named once, among what was left out.
	known := kept[len(kept)-1].Map
	for i := len(kept); i < len(whole.Segments) && whole.Segments[i].Map.URI == ""; i++ {
		whole.Segments[i].Map = known
	}
	if whole.Map.URI == "" {
		whole.Map = known
	}
	return &whole, nil
}
