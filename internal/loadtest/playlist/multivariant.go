package playlist

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseMultivariant reads a multivariant playlist.
func ParseMultivariant(text []byte) (*Multivariant, error) {
	if !header(text) {
		return nil, fmt.Errorf("%w: it does not begin with #EXTM3U", ErrPlaylist)
	}
	var m Multivariant
	var next *Variant // whose address follows
	for line := range lines(text) {
		tag, value, _ := strings.Cut(line, ":")
		list := attributes(value)
		switch {
		case tag == "#EXT-X-STREAM-INF":
			next = &Variant{
				Name: list.get("NAME"), Bandwidth: list.integer("BANDWIDTH"),
				Height: height(list.get("RESOLUTION")), Audio: list.get("AUDIO"),
			}
		case tag == "#EXT-X-MEDIA" && list.get("TYPE") == "AUDIO":
			m.Audio = append(m.Audio, Rendition{Group: list.get("GROUP-ID"), URI: list.get("URI"), Default: list.yes("DEFAULT")})
		case !strings.HasPrefix(line, "#") && next != nil:
			next.URI = line
			m.Variants = append(m.Variants, *next)
			next = nil
		}
		if len(m.Variants)+len(m.Audio) > maxSegments {
			return nil, fmt.Errorf("%w: too many variants", ErrPlaylist)
		}
	}
	if len(m.Variants) == 0 {
		return nil, fmt.Errorf("%w: it has no variant", ErrPlaylist)
	}
	return &m, nil
}

func height(resolution string) int {
	_, lines, _ := strings.Cut(resolution, "x")
	n, err := strconv.ParseUint(lines, 10, 16)
	if err != nil {
		return 0
	}
	return int(n)
}

// AudioOf is the rendition of the sound that a player begins with beside a
// variant; false when the sound is in the variant.
func (m *Multivariant) AudioOf(v Variant) (Rendition, bool) {
	var found Rendition
	for _, r := range m.Audio {
		if r.Group == v.Audio && v.Audio != "" && (found == (Rendition{}) || r.Default && !found.Default) {
			found = r
		}
	}
	return found, found.URI != ""
}
