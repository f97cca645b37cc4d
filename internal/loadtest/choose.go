package loadtest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluicelive/sluice/internal/loadtest/playlist"
	"github.com/sluicelive/sluice/internal/loadtest/timeline"
)

// Renditions that are there whatever their names.
const (
	Highest = "highest"
	Lowest  = "lowest"
)

// choose is the index of the rendition that was asked for, of those with these
// heights, bandwidths and names.
func choose(wanted string, renditions []rendition) (int, error) {
	byRate := func(a, b rendition) int { return cmp.Compare(a.bandwidth, b.bandwidth) }
	switch wanted {
	case Highest:
		return slices.MaxFunc(renditions, byRate).index, nil
	case Lowest:
		return slices.MinFunc(renditions, byRate).index, nil
	}
	names := make([]string, 0, len(renditions))
	for _, r := range renditions {
		if wanted == r.name || wanted == strconv.Itoa(r.height) {
			return r.index, nil
		}
		names = append(names, cmp.Or(r.name, strconv.Itoa(r.height)))
	}
	return 0, fmt.Errorf("there is no rendition %q; there are %s", wanted, strings.Join(names, ", "))
}

type rendition struct {
	index, height, bandwidth int
	name                     string
}

func chooseVariant(m *playlist.Multivariant, wanted string) (playlist.Variant, error) {
	renditions := make([]rendition, 0, len(m.Variants))
	for i, v := range m.Variants {
		renditions = append(renditions, rendition{i, v.Height, v.Bandwidth, v.Name})
	}
	i, err := choose(wanted, renditions)
	return m.Variants[i], err
}

// chooseTrack chooses of the video, or of the sound where a period has no video.
func chooseTrack(p timeline.Period, wanted string) (timeline.Track, error) {
	tracks := p.Video
	if len(tracks) == 0 {
		tracks = p.Audio
	}
	if len(tracks) == 0 {
		return timeline.Track{}, fmt.Errorf("%w: a period without video and sound", timeline.ErrMPD)
	}
	renditions := make([]rendition, 0, len(tracks))
	for i, t := range tracks {
		renditions = append(renditions, rendition{i, t.Height, t.Bandwidth, t.ID})
	}
	i, err := choose(wanted, renditions)
	return tracks[i], err
}
