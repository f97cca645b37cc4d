package sluice_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
)

func TestValidate(t *testing.T) {
	long := func(n int) string { return strings.Repeat("é", n) } // two bytes, one character
	for _, test := range []struct {
		name   string
		stream sluice.Stream
		code   string // of the refusal
	}{
		{"only a name", sluice.Stream{Name: "mine"}, ""},
		{"all of it", sluice.Stream{Name: "mine", Slug: "Früh am Morgen", Description: "two\nlines", Quality: "1080"}, ""},
		{"as long as may be", sluice.Stream{Name: long(200), Slug: long(200), Description: long(5000)}, ""},
		{"a name that reads as a number", sluice.Stream{Name: "2022"}, ""},
		{"a slug that holds a number", sluice.Stream{Name: "mine", Slug: "2022-"}, ""},
		{"a slug that begins as a playback id", sluice.Stream{Name: "mine", Slug: "pb_0123"}, ""},
		{"a slug that reads as an id", sluice.Stream{Name: "mine", Slug: "1"}, "slug_invalid"},
		{"a slug that reads as an id of no stream", sluice.Stream{Name: "mine", Slug: "777"}, "slug_invalid"},
		{"a slug that reads as an id with zeros", sluice.Stream{Name: "mine", Slug: "007"}, "slug_invalid"},
		{"a slug that reads as an id with a sign", sluice.Stream{Name: "mine", Slug: "+7"}, "slug_invalid"},
		{"a slug that reads as a number below zero", sluice.Stream{Name: "mine", Slug: "-7"}, "slug_invalid"},
		{"a slug that reads as a number beyond all ids", sluice.Stream{Name: "mine", Slug: strings.Repeat("9", 30)}, "slug_invalid"},
		{"a slug that reads as a playback id", sluice.Stream{Name: "mine", Slug: sluice.NewPlaybackID()}, "slug_invalid"},
		{"a slug that is a path of the API", sluice.Stream{Name: "mine", Slug: "create"}, "slug_invalid"},
		{"a slug that programs write for no value", sluice.Stream{Name: "mine", Slug: "undefined"}, "slug_invalid"},
		{"the same in capitals", sluice.Stream{Name: "mine", Slug: "NaN"}, "slug_invalid"},
		{"no name", sluice.Stream{Slug: "mine"}, "name_required"},
		{"a name of spaces", sluice.Stream{Name: " \t\n"}, "name_required"},
		{"name too long", sluice.Stream{Name: long(201)}, "name_too_long"},
		{"slug too long", sluice.Stream{Name: "mine", Slug: long(201)}, "slug_too_long"},
		{"description too long", sluice.Stream{Name: "mine", Description: long(5001)}, "description_too_long"},
		{"name not UTF-8", sluice.Stream{Name: "mine\xff"}, "name_invalid"},
		{"slug not UTF-8", sluice.Stream{Name: "mine", Slug: "\xff"}, "slug_invalid"},
		{"description with a zero byte", sluice.Stream{Name: "mine", Description: "a\x00b"}, "description_invalid"},
		{"slug with a slash", sluice.Stream{Name: "mine", Slug: "a/b"}, "slug_invalid"},
		{"slug with a question mark", sluice.Stream{Name: "mine", Slug: "a?b"}, "slug_invalid"},
		{"slug the folder above", sluice.Stream{Name: "mine", Slug: ".."}, "slug_invalid"},
		{"no such quality", sluice.Stream{Name: "mine", Quality: "4k"}, "quality_invalid"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.stream.Validate()
			if test.code == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, test.code, sluice.AsError(err).Code)
			require.Equal(t, sluice.KindInvalid, sluice.AsError(err).Kind)
		})
	}
}

func TestValidateFillsWhatIsLeftOut(t *testing.T) {
	s := sluice.Stream{Name: "  My first stream "}
	require.NoError(t, s.Validate())
	require.Equal(t, sluice.Stream{Name: "My first stream", Slug: "my-first-stream", Quality: "720"}, s)

	given := sluice.Stream{Name: "mine", Slug: "As SENT", Quality: "360"}
	want := given
	require.NoError(t, given.Validate())
	require.Equal(t, want, given, "what was sent is echoed")
}

func TestSlugify(t *testing.T) {
	for name, want := range map[string]string{
		"my first stream":               "my-first-stream",
		"  -- Hello,   World!  ":        "hello-world",
		"Früh am Morgen":                "fr-h-am-morgen",
		"配信":                            "stream",
		"":                              "stream",
		"-":                             "stream",
		"Create":                        "stream-create",
		"null":                          "stream-null",
		"42":                            "stream-42",
		"+42":                           "stream-42",
		"42 -":                          "stream-42",
		"3.5":                           "3-5",
		"99999999999999999999":          "stream-99999999999999999999",
		strings.Repeat("0", 200):        "stream-" + strings.Repeat("0", 193),
		strings.Repeat("a", 199) + " b": strings.Repeat("a", 199),
		strings.Repeat("1", 200) + "a":  "stream-" + strings.Repeat("1", 193),
	} {
		require.Equal(t, want, sluice.Slugify(name), "%q", name)
	}
}

func FuzzSlugify(f *testing.F) {
	for _, name := range []string{"my first stream", "", "42", "1e999", "\xff\x00", "..", "İ", strings.Repeat("0", 500)} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		slug := sluice.Slugify(name)
		require.Regexp(t, `^[a-z0-9]+(-[a-z0-9]+)*$`, slug)
		require.LessOrEqual(t, len(slug), sluice.MaxSlugLength)
		require.Equal(t, sluice.StreamRef{Slug: slug}, sluice.ParseStreamRef(slug), "it is never read as an id")
		require.NoError(t, (&sluice.Stream{Name: "fuzzed", Slug: slug}).Validate())
		require.Equal(t, slug, sluice.Slugify(slug), "a slug is its own slug")
	})
}

func TestParseStreamRef(t *testing.T) {
	for text, want := range map[string]sluice.StreamRef{
		"1":                   {ID: 1},
		"007":                 {ID: 7},
		"9223372036854775807": {ID: 1<<63 - 1},
		"9223372036854775808": {}, // a number that no stream has, and no slug can be
		"0":                   {},
		"-1":                  {},
		"+7":                  {ID: 7},

		"pb_0123456789abcdef0123456789abcdef":  {PlaybackID: "pb_0123456789abcdef0123456789abcdef"},
		"pb_0123456789abcdef0123456789abcdeF":  {Slug: "pb_0123456789abcdef0123456789abcdeF"}, // it has one spelling
		"pb_0123456789abcdef0123456789abcdef0": {Slug: "pb_0123456789abcdef0123456789abcdef0"},
		"pb_":                                  {Slug: "pb_"},

		"my-first-stream":      {Slug: "my-first-stream"},
		"undefined":            {Slug: "undefined"}, // what a client sends whose create failed
		"1e3":                  {Slug: "1e3"},
		strconv.Itoa(42) + " ": {Slug: "42 "},
		"":                     {},
	} {
		require.Equal(t, want, sluice.ParseStreamRef(text), "%q", text)
	}
}

// What a slug may be is never read as something else, and what is read as an id
// is one way or none.
func FuzzParseStreamRef(f *testing.F) {
	for _, text := range []string{"1", "007", "+1", "-1", "99999999999999999999", "my-stream", "pb_", sluice.NewPlaybackID(), "٣", "1e3", "0x1", "1_000", "create", "\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ref := sluice.ParseStreamRef(text)
		named := 0
		for _, is := range []bool{ref.ID != 0, ref.PlaybackID != "", ref.Slug != ""} {
			if is {
				named++
			}
		}
		require.LessOrEqual(t, named, 1)
		require.GreaterOrEqual(t, ref.ID, sluice.StreamID(0))
		s := sluice.Stream{Name: "fuzzed", Slug: text}
		if text != "" && s.Validate() == nil {
			require.Equal(t, sluice.StreamRef{Slug: text}, ref)
		}
	})
}

func TestStreamUpdate(t *testing.T) {
	before := sluice.Stream{ID: 7, Name: "before", Slug: "before", Description: "before", Quality: "360"}
	for _, test := range []struct {
		name   string
		update sluice.StreamUpdate
		want   func(s *sluice.Stream)
	}{
		{"nothing", sluice.StreamUpdate{}, func(*sluice.Stream) {}},
		{"name keeps the slug", sluice.StreamUpdate{Name: new("after")}, func(s *sluice.Stream) { s.Name = "after" }},
		{"slug", sluice.StreamUpdate{Slug: new("after")}, func(s *sluice.Stream) { s.Slug = "after" }},
		{
			"no slug makes one",
			sluice.StreamUpdate{Name: new("After"), Slug: new("")},
			func(s *sluice.Stream) { s.Name, s.Slug = "After", "after" },
		},
		{"description may be emptied", sluice.StreamUpdate{Description: new("")}, func(s *sluice.Stream) { s.Description = "" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, want := before, before
			test.want(&want)
			require.NoError(t, test.update.Apply(&got))
			require.Equal(t, want, got)
		})
	}
	got := before
	err := sluice.StreamUpdate{Name: new(" ")}.Apply(&got)
	require.Equal(t, "name_required", sluice.AsError(err).Code)
}
