package httpd

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// scene is a crowd whose connections have names: a1 is the first of address a.
type scene struct {
	t      *testing.T
	crowd  crowd
	places map[string]*place
}

func newScene(t *testing.T, total, perAddress int) *scene {
	t.Helper()
	return &scene{t, crowd{total: total, perAddress: perAddress, groups: map[netip.Addr]*group{}}, map[string]*place{}}
}

// enter admits a connection and says what came of it: in, refused, or the name of
// the one that had to go. Addresses in capitals are trusted proxies.
func (s *scene) enter(name string) string {
	key := netip.AddrFrom4([4]byte{192, 0, 2, name[0]})
	p, victim, why := s.crowd.enter(key, name[0] < 'a')
	switch {
	case p == nil && why == ofOne:
		return "429"
	case p == nil:
		return "503"
	}
	s.places[name] = p
	for other, q := range s.places {
		if q == victim {
			delete(s.places, other)
			return "for " + other
		}
	}
	return "in"
}

// do plays steps: "a1" enters, "a1!" asks, "a1." waits for its next request, "a1-"
// leaves.
func (s *scene) do(steps string) {
	s.t.Helper()
	for step := range strings.FieldsSeq(steps) {
		name := step[:2]
		if len(step) == 2 {
			require.Equal(s.t, "in", s.enter(name), step)
			continue
		}
		switch p := s.places[name]; step[2] {
		case '!':
			s.crowd.move(p, active)
		case '.':
			s.crowd.move(p, idle)
		case '-':
			s.crowd.leave(p)
			delete(s.places, name)
		}
	}
}

func TestWhoGoes(t *testing.T) {
	const total, perAddress = 6, 3
	for name, tc := range map[string]struct{ before, enters, want string }{
		"there is room":                              {"a1 a2", "a3", "in"},
		"the oldest silent one of the address":       {"a1 a2 a3", "a4", "for a1"},
		"one that has asked is not silent":           {"a1 a2 a3 a1!", "a4", "for a2"},
		"a silent one before an idle one":            {"a1 a2 a3 a1! a1. a2! a2.", "a4", "for a3"},
		"the one that has been idle longest":         {"a1 a2 a3 a1! a2! a3! a2. a1. a3.", "a4", "for a2"},
		"idleness begins again with each request":    {"a1 a2 a3 a1! a2! a3! a2. a1. a3. a2! a2.", "a4", "for a1"},
		"all of the address are of use":              {"a1 a2 a3 a1! a2! a3!", "a4", "429"},
		"another address has its own share":          {"a1 a2 a3 a1! a2! a3!", "b1", "in"},
		"who left makes room":                        {"a1 a2 a3 a1! a2! a3! a2-", "a4", "in"},
		"the whole is used up: of the one with most": {"a1 a2 a3 b1 c1 c2", "d1", "for a1"},
		"also for an address that has some":          {"a1 a2 a3 b1 c1 c2", "b2", "for a1"},
		"where somebody has a silent one":            {"a1 a2 a3 b1 c1 c2 a1! a2! a3! c1! c2!", "d1", "for b1"},
		"then the idle ones of the one with most":    {"a1 a2 a3 b1 c1 c2 a1! a2! a3! b1! c1! c2! b1. c2. a3.", "d1", "for a3"},
		"all are of use":                             {"a1 a2 a3 b1 c1 c2 a1! a2! a3! b1! c1! c2!", "d1", "503"},
		"an address over its share is told that":     {"a1 a2 a3 b1 c1 c2 a1! a2! a3! b1! c1! c2!", "a4", "429"},
		"a trusted proxy has no share":               {"P1 P2 P3 P1! P2! P3!", "P4", "in"},
		"and keeps what it has":                      {"P1 P2 P3 P4 P5 a1 a1!", "b1", "503"},
		"but the whole is bounded":                   {"P1 P2 P3 P4 P5 P6", "P7", "503"},
		"others make room for it":                    {"P1 P2 P3 P4 P5 a1", "P6", "for a1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, total, perAddress)
			s.do(tc.before)
			require.Equal(t, tc.want, s.enter(tc.enters))
		})
	}
}

// Whatever happens, the counts are those of the connections there are.
func TestCrowdCounts(t *testing.T) {
	s := newScene(t, 6, 3)
	s.do("a1 a2 a3 a1! a2! a2.")
	require.Equal(t, "for a3", s.enter("a4"))
	require.Equal(t, 3, s.crowd.held)
	gone := s.places["a4"]
	s.do("a1- a2- a4-")
	s.crowd.leave(gone)
	s.crowd.move(gone, idle)
	require.Zero(t, s.crowd.held)
	require.Empty(t, s.crowd.groups)
}
