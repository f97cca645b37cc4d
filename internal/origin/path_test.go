package origin

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/hls"
)

func TestParsePath(t *testing.T) {
	for path, want := range map[string]target{
		"/streams/1/master.m3u8":               {stream: 1, kind: multivariantPlaylist},
		"/streams/20/manifest.mpd":             {stream: 20, kind: mpd},
		"/streams/1/stream360.m3u8":            {stream: 1, kind: mediaPlaylist, rendition: "360"},
		"/streams/1/streamaudio.m3u8":          {stream: 1, kind: mediaPlaylist, rendition: "audio"},
		"/streams/1/init-stream1080.mp4":       {stream: 1, kind: initSegment, rendition: "1080"},
		"/streams/1/chunk-stream360-0.m4s":     {stream: 1, kind: segment, rendition: "360"},
		"/streams/1/chunk-stream360-77.m4s":    {stream: 1, kind: segment, rendition: "360", at: cmaf.Position{Segment: 77}},
		"/streams/1/part-stream360-77-0.m4s":   {stream: 1, kind: chunk, rendition: "360", at: cmaf.Position{Segment: 77}},
		"/streams/1/part-streamaudio-7-19.m4s": {stream: 1, kind: chunk, rendition: "audio", at: cmaf.Position{Segment: 7, Chunk: 19}},
	} {
		got, ok := parsePath(path)
		require.True(t, ok, path)
		require.Equal(t, want, got, path)
	}
	for _, path := range []string{
		"", "/", "/streams", "/streams/", "/streams/1", "/streams/1/", "/streams//master.m3u8", "/streams/0/master.m3u8",
		"/streams/-1/master.m3u8", "/streams/+1/master.m3u8", "/streams/01/master.m3u8", "/streams/1/1/master.m3u8",
		"/streams/9223372036854775808/master.m3u8", "/streams/1/MASTER.m3u8", "/streams/1/stream.m3u8", "/streams/1/stream-1.m3u8",
		"/streams/1/chunk-stream360-07.m4s", "/streams/1/chunk-stream360-.m4s", "/streams/1/chunk-stream360.m4s",
		"/streams/1/chunk-stream360--1.m4s", "/streams/1/chunk-stream360-1-2.m4s", "/streams/1/chunk-stream-1.m4s",
		"/streams/1/init-stream36é.mp4", "/streams/1/init-streamaaaaaaaaaaaaaaaaa.mp4", "/streams/1/init-stream360.m4s",
		"/streams/1/part-stream360-7.m4s", "/streams/1/part-stream360-7-.m4s", "/streams/1/part-stream360-7-01.m4s", "/streams/1/part-stream360-07-1.m4s",
		"/streams/1/part-stream-7-1.m4s", "/streams/1/part-stream360-7-1-1.m4s", "/streams/1/part-stream360-7-2147483648.m4s", "//streams/1/master.m3u8",
	} {
		_, ok := parsePath(path)
		require.False(t, ok, path)
	}
}

// Whatever parses is written in one way only.
func FuzzParsePath(f *testing.F) {
	for _, seed := range []string{
		"/streams/1/master.m3u8", "/streams/1/manifest.mpd", "/streams/1/stream360.m3u8",
		"/streams/1/init-streamaudio.mp4", "/streams/1/chunk-stream360-7.m4s", "/streams/1/part-stream360-7-3.m4s", "/streams/1/%2e%2e/x", "/streams/1/..\\x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		got, ok := parsePath(path)
		if !ok {
			return
		}
		var file string
		switch got.kind {
		case multivariantPlaylist:
			file = hls.MultivariantName
		case mediaPlaylist:
			file = hls.MediaName(got.rendition)
		case mpd:
			file = "manifest.mpd"
		case initSegment:
			file = cmaf.InitName(got.rendition)
		case segment:
			file = cmaf.SegmentName(got.rendition, got.at.Segment)
		case chunk:
			file = cmaf.ChunkName(got.rendition, got.at)
		}
		require.Equal(t, "/streams/"+format(got)+"/"+file, path)
	})
}

func format(t target) string { return strconv.FormatInt(int64(t.stream), 10) }
