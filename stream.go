package sluice

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// StreamID names a stream. It is the number in every URL.
type StreamID int64

// Status says where a stream is in its life.
type Status string

// The life of a stream: created → prepared → live → ended. Reconnecting is
// live with the publisher away; StatusError is ended by a fault of the server.
const (
	StatusCreated      Status = "created"
	StatusPrepared     Status = "prepared"
	StatusLive         Status = "live"
	StatusReconnecting Status = "reconnecting"
	StatusEnded        Status = "ended"
	StatusError        Status = "error"
)

// EndCause says why a stream ended.
type EndCause string

// The causes of an end.
const (
	EndRequested     EndCause = "requested"      // by the API
	EndPublisherGone EndCause = "publisher_gone" // the grace period passed
	EndNeverStarted  EndCause = "never_started"  // prepared, and nothing came
	EndShutdown      EndCause = "shutdown"       // the server was stopped
	EndRecovered     EndCause = "recovered"      // the server was killed; closed at its next start
	EndFailed        EndCause = "failed"         // the encoder could not be kept running
)

// Stream is the durable thing an account makes, with its one broadcast.
type Stream struct {
	ID          StreamID
	PlaybackID  string // random, for links; the store makes it
	AccountID   AccountID
	Name        string
	Slug        string // as sent; may repeat
	Description string
	Quality     Quality
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Broadcast   Broadcast
}

// Broadcast is the run of a stream: the times it passed its states at. The
// zero Broadcast has not been prepared.
type Broadcast struct {
	PreparedAt  *time.Time // billing starts
	Anchor      *time.Time // of the stream clock, set when first prepared
	StartedAt   *time.Time // manifests exist from here on
	LastMediaAt *time.Time // wall time of the newest durable media, written every few seconds
	EndedAt     *time.Time // billing ends
	EndCause    EndCause
	Failure     string // what failed, when EndCause is EndFailed: for the user
	Away        bool   // the publisher is away and awaited
}

// Clock is the stream's clock. It may be asked for only after prepare.
func (b Broadcast) Clock() Clock { return Clock{Anchor: *b.Anchor} }

// Status derives the state from the times.
func (s *Stream) Status() Status {
	b := s.Broadcast
	switch {
	case b.EndedAt != nil && b.EndCause == EndFailed:
		return StatusError
	case b.EndedAt != nil:
		return StatusEnded
	case b.StartedAt != nil && b.Away:
		return StatusReconnecting
	case b.StartedAt != nil:
		return StatusLive
	case b.PreparedAt != nil:
		return StatusPrepared
	default:
		return StatusCreated
	}
}

// IsLive reports whether viewers can watch now.
func (s *Stream) IsLive() bool {
	return s.Broadcast.StartedAt != nil && s.Broadcast.EndedAt == nil
}

// Prepare moves created → prepared and anchors the clock. A repeat changes
// nothing: billing starts once.
func (s *Stream) Prepare(now time.Time) error {
	if err := s.refuseEnded("prepared"); err != nil {
		return err
	}
	if s.Broadcast.PreparedAt != nil {
		return nil
	}
	anchor := NewClock(now).Anchor
	s.Broadcast.PreparedAt, s.Broadcast.Anchor = &now, &anchor
	return nil
}

// CheckPublish reports whether a publisher may connect: from prepare to the end.
func (s *Stream) CheckPublish() error {
	if err := s.refuseEnded("published to"); err != nil {
		return err
	}
	return s.requirePrepared()
}

// Start moves prepared → live. A repeat changes nothing.
func (s *Stream) Start(now time.Time) error {
	if err := s.refuseEnded("started"); err != nil {
		return err
	}
	if err := s.requirePrepared(); err != nil {
		return err
	}
	if s.Broadcast.StartedAt == nil {
		s.Broadcast.StartedAt = &now
	}
	return nil
}

// End closes the broadcast, whatever its state. A repeat changes nothing:
// billing ends once. A stream that was never prepared ends without a billing
// time to count from.
func (s *Stream) End(at time.Time, cause EndCause) error {
	if s.Broadcast.EndedAt != nil {
		return nil
	}
	for _, earlier := range []*time.Time{s.Broadcast.PreparedAt, s.Broadcast.StartedAt} {
		if earlier != nil && at.Before(*earlier) {
			at = *earlier // neither billed time nor playing time is ever negative
		}
	}
	s.Broadcast.EndedAt, s.Broadcast.EndCause, s.Broadcast.Away = &at, cause, false
	return nil
}

func (s *Stream) refuseEnded(verb string) error {
	if s.Broadcast.EndedAt == nil {
		return nil
	}
	return Errorf(KindState, "stream_ended",
		"stream %d has ended and cannot be %s again; create a new stream", s.ID, verb)
}

func (s *Stream) requirePrepared() error {
	if s.Broadcast.PreparedAt != nil {
		return nil
	}
	return Errorf(KindState, "stream_not_prepared",
		"stream %d is not prepared; call POST /v1/streams/%d/prepare first", s.ID, s.ID)
}

// Limits of what a stream says of itself, in characters.
const (
	MaxNameLength        = 200
	MaxSlugLength        = 200
	MaxDescriptionLength = 5000
)

// Validate checks what a user can set, and fills what may be left out: the
// slug is made from the name, the quality is the default one.
func (s *Stream) Validate() error {
	s.Name = strings.TrimSpace(s.Name)
	if s.Name == "" {
		return Errorf(KindInvalid, "name_required", "name is required: say what the stream is called")
	}
	for _, f := range []struct {
		field, value string
		limit        int
	}{
		{"name", s.Name, MaxNameLength},
		{"slug", s.Slug, MaxSlugLength},
		{"description", s.Description, MaxDescriptionLength},
	} {
		if n := utf8.RuneCountInString(f.value); n > f.limit {
			return Errorf(KindInvalid, f.field+"_too_long", "%s has %d characters; at most %d are allowed", f.field, n, f.limit)
		}
		// Databases differ in whether a text may hold a zero byte.
		if !utf8.ValidString(f.value) || strings.ContainsRune(f.value, 0) {
			return Errorf(KindInvalid, f.field+"_invalid", "%s is not text in UTF-8 without zero bytes", f.field)
		}
	}
	if s.Slug == "" {
		s.Slug = Slugify(s.Name)
	}
	if err := checkSlug(s.Slug); err != nil {
		return err
	}
	if s.Quality == "" {
		s.Quality = DefaultQuality
	}
	_, err := NewLadder(s.Quality)
	return err
}

// checkSlug refuses slugs that cannot stand in an address, and those that would
// lead to something else: a slug shares its place in a path with ids, with
// playback ids and with words.
func checkSlug(slug string) error {
	switch {
	case strings.ContainsAny(slug, "/?#\\") || slug == "." || slug == "..":
		return Errorf(KindInvalid, "slug_invalid",
			"slug %q cannot stand in an address; leave out / ? # and \\, and do not use . or ..", slug)
	case isNumber(slug):
		return Errorf(KindInvalid, "slug_invalid",
			"slug %q reads as a stream's id; add a letter, as in stream-%s", slug, strings.TrimLeft(slug, "+-"))
	case isPlaybackID(slug):
		return Errorf(KindInvalid, "slug_invalid", "slug %q reads as a playback id; choose another", slug)
	case isReserved(slug):
		return Errorf(KindInvalid, "slug_invalid", "slug %q has a meaning of its own in addresses; choose another", slug)
	}
	return nil
}

// isReserved reports whether a word means something other than a stream where a
// slug may stand: a path of the API, or what programs write for no value.
func isReserved(slug string) bool {
	return slices.Contains([]string{"create", "undefined", "null", "nan"}, strings.ToLower(slug))
}

// Slugify makes a slug from a name: lower-case ASCII letters and digits with
// single hyphens between, cut to MaxSlugLength. It never returns an empty slug, a
// number or a reserved word.
func Slugify(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	slug := cutSlug(b.String())
	if slug == "" || isNumber(slug) || isReserved(slug) {
		slug = cutSlug("stream-" + slug)
	}
	return slug
}

// cutSlug cuts an ASCII slug to its limit, without a hyphen at the end.
func cutSlug(s string) string {
	return strings.TrimSuffix(s[:min(len(s), MaxSlugLength)], "-")
}

// playbackPrefix opens every playback id. No slug made of a name has its
// underscore, and no number has its letters.
const playbackPrefix = "pb_"

// playbackBytes is how many random bytes a playback id has: 128 bits.
const playbackBytes = 16

// NewPlaybackID makes the id that a stream's public links carry.
func NewPlaybackID() string {
	random := make([]byte, playbackBytes)
	_, _ = rand.Read(random) // never fails: crypto/rand, Go 1.24
	return playbackPrefix + hex.EncodeToString(random)
}

// isPlaybackID reports whether s has the one form of a playback id.
func isPlaybackID(s string) bool {
	digits, ok := strings.CutPrefix(s, playbackPrefix)
	return ok && len(digits) == hex.EncodedLen(playbackBytes) && strings.Trim(digits, "0123456789abcdef") == ""
}

// isNumber reports whether s reads as a whole number, of whatever size.
func isNumber(s string) bool {
	_, err := strconv.ParseInt(s, 10, 64)
	return err == nil || errors.Is(err, strconv.ErrRange)
}

// StreamRef is what stands in a path for a stream. One field is set; the zero
// StreamRef names no stream.
type StreamRef struct {
	ID         StreamID
	PlaybackID string
	Slug       string // means the newest stream that has it
}

// ParseStreamRef reads the {id} of a path, in this order: a whole number is an
// id, also one that no stream can have; what has the form of a playback id is
// one; anything else is a slug. Validate keeps slugs out of the first two.
func ParseStreamRef(s string) StreamRef {
	switch {
	case isNumber(s):
		id, err := strconv.ParseInt(s, 10, 64)
		if err != nil || id <= 0 {
			return StreamRef{}
		}
		return StreamRef{ID: StreamID(id)}
	case isPlaybackID(s):
		return StreamRef{PlaybackID: s}
	default:
		return StreamRef{Slug: s}
	}
}

// StreamFilter selects and pages streams, newest first.
type StreamFilter struct {
	Live   *bool // only those that are live, or only those that are not
	Offset int   // how many to pass over
	Limit  int   // how many at most; 0: all
}

// StreamUpdate is what a user may change; nil leaves a field as it is.
type StreamUpdate struct {
	Name, Slug, Description *string
}

// Apply changes the stream and validates it.
func (u StreamUpdate) Apply(s *Stream) error {
	for _, f := range []struct {
		to   *string
		from *string
	}{{&s.Name, u.Name}, {&s.Slug, u.Slug}, {&s.Description, u.Description}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	return s.Validate()
}
