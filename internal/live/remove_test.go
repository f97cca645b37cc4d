package live

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/dvr"
	"github.com/sluicelive/sluice/internal/media"
	"github.com/sluicelive/sluice/internal/origin"
)

// S8: the zero account is that of a request without a key, and reaches no stream.
func TestTheZeroAccountReachesNoStream(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	h.goLive()
	ctx, before := t.Context(), h.stored()
	for name, act := range map[string]func(sluice.AccountID) error{
		"prepare":   func(a sluice.AccountID) error { _, err := h.server.Prepare(ctx, a, h.stream); return err },
		"init":      func(a sluice.AccountID) error { _, err := h.server.Init(ctx, a, h.stream, "v=0"); return err },
		"candidate": func(a sluice.AccountID) error { return h.server.AddCandidate(ctx, a, h.stream, sluice.ICECandidate{}) },
		"start":     func(a sluice.AccountID) error { _, err := h.server.Start(ctx, a, h.stream); return err },
		"end": func(a sluice.AccountID) error {
			_, err := h.server.End(ctx, a, h.stream, sluice.EndRequested)
			return err
		},
		"remove": func(a sluice.AccountID) error { _, err := h.server.Remove(ctx, a, h.stream); return err },
	} {
		for _, account := range []sluice.AccountID{0, h.owner + 1} {
			require.ErrorIs(t, act(account), sluice.ErrStreamNotFound, "%s by account %d", name, account)
		}
	}
	after := h.stored()
	require.Equal(t, before.Status(), after.Status())
	_, err := h.server.Presentation(ctx, h.stream)
	require.NoError(t, err)
}

// aired is a house whose streams are served, with a window that is kept on disk.
func aired(t *testing.T) (h *house, server *httptest.Server, folder string) {
	t.Helper()
	folder = t.TempDir()
	archive, err := dvr.Open(folder)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, archive.Close()) })
	h = newHouse(t, func(c *Config) { c.DVR, c.Window = archive, 10*time.Minute })
	server = httptest.NewServer(origin.New(origin.Config{Presentations: h.server, Log: slog.New(slog.DiscardHandler)}))
	t.Cleanup(server.Close)
	return h, server, folder
}

// load asks for a file of the stream. The status is 0 where the answer broke off.
func load(ctx context.Context, url string) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if _ = resp.Body.Close(); err != nil {
		return 0
	}
	return resp.StatusCode
}

// files are addresses of each kind that a player loads.
func (h *house) files() []string {
	h.Helper()
	p, err := h.server.Presentation(h.Context(), h.stream)
	require.NoError(h, err)
	track := p.Track("360").Snapshot()
	complete := track.Complete()
	newest := complete[len(complete)-1].Number
	return []string{
		"master.m3u8", "manifest.mpd", "stream360.m3u8", "init-stream360.mp4",
		cmaf.SegmentName("360", complete[0].Number), cmaf.SegmentName("360", newest), cmaf.ChunkName("360", cmaf.Position{Segment: newest}),
	}
}

// S6 and B18: deleting takes a stream off the air, live or ended, in memory and
// on disk, also for viewers who wait for what comes next.
func TestRemovedStreamsAreOffTheAir(t *testing.T) {
	t.Parallel()
	for name, ended := range map[string]bool{"live": false, "ended": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, server, folder := aired(t)
			h.goLive()
			h.advance(3 * time.Second)
			base := server.URL + "/streams/1/"
			names := h.files()
			require.Eventually(t, func() bool {
				kept, err := os.ReadDir(filepath.Join(folder, "1"))
				return err == nil && len(kept) > 0
			}, 10*time.Second, 20*time.Millisecond, "some of it is on disk")
			if ended {
				_, err := h.server.End(t.Context(), h.owner, h.stream, sluice.EndRequested)
				require.NoError(t, err)
			}
			for _, file := range names {
				require.Equal(t, http.StatusOK, load(t.Context(), base+file), file)
			}
			waiting := h.waiters(base, ended)

			_, err := h.server.Remove(t.Context(), h.owner, h.stream)
			require.NoError(t, err)
			for _, file := range names {
				require.Contains(t, []int{http.StatusNotFound, http.StatusGone}, load(t.Context(), base+file), file)
			}
			for range cap(waiting) {
				select {
				case status := <-waiting:
					require.Contains(t, []int{0, http.StatusNotFound, http.StatusGone}, status)
				case <-time.After(2 * time.Second):
					require.Fail(t, "a viewer still waits")
				}
			}
			require.NoDirExists(t, filepath.Join(folder, "1"))
			require.Nil(t, h.server.running(h.stream))

			require.NoError(t, h.store.DeleteStream(t.Context(), h.owner, h.stream))
			require.Equal(t, http.StatusNotFound, load(t.Context(), base+"master.m3u8"))
			_, err = h.server.Remove(t.Context(), h.owner, h.stream)
			require.ErrorIs(t, err, sluice.ErrStreamNotFound)
		})
	}
}

// waiters ask for the segment after the open one, which takes seconds to come,
// and hand over what they are answered. An ended stream has no waiters.
func (h *house) waiters(base string, ended bool) chan int {
	h.Helper()
	if ended {
		return make(chan int)
	}
	p, err := h.server.Presentation(h.Context(), h.stream)
	require.NoError(h, err)
	next := cmaf.SegmentName("360", p.Track("360").Snapshot().Last().Number+1)
	answers := make(chan int, 3)
	for range cap(answers) {
		go func() { answers <- load(h.Context(), base+next) }()
	}
	return answers
}

// A stream that only was prepared goes the same way.
func TestRemovePrepared(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	_, err := h.server.Prepare(t.Context(), h.owner, h.stream)
	require.NoError(t, err)
	h.publish(media.VP8)
	st, err := h.server.Remove(t.Context(), h.owner, h.stream)
	require.NoError(t, err)
	require.Equal(t, sluice.StatusEnded, st.Status())
	require.Nil(t, h.server.running(h.stream))
}
