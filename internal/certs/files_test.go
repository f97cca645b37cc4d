package certs

import (
	"context"
	"crypto/tls"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluicelive/sluice/internal/certs/certstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, certstest.Lasting()...) }

func inAnHour() time.Time { return time.Now().Add(time.Hour) }

func TestLoadRefuses(t *testing.T) {
	good, other := certstest.NewPair(t, "live.test", inAnHour()), certstest.NewPair(t, "live.test", inAnHour())
	old := certstest.NewPair(t, "live.test", time.Now().Add(-time.Hour))
	for name, c := range map[string]struct {
		certstest.Pair
		says string
	}{
		"no certificate":      {certstest.Pair{Cert: good.Cert + "x", Key: good.Key}, "no such file"},
		"no key":              {certstest.Pair{Cert: good.Cert, Key: good.Key + "x"}, "no such file"},
		"another's key":       {certstest.Pair{Cert: good.Cert, Key: other.Key}, "private key does not match"},
		"no PEM":              {certstest.Pair{Cert: good.Key, Key: good.Key}, "failed to find certificate"},
		"its time being over": {old, "renew it"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(c.Cert, c.Key, slog.New(slog.DiscardHandler))
			require.ErrorContains(t, err, c.says)
		})
	}
}

// words are what a log said since they were last taken.
type words struct {
	mu   sync.Mutex
	text strings.Builder
}

func (w *words) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(b)
}

func (w *words) take() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.text.Reset()
	return w.text.String()
}

func TestFilesTakeUpWhatReplacesThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := certstest.NewPair(t, "old.test", inAnHour())
		said := &words{}
		f, err := Load(p.Cert, p.Key, slog.New(slog.NewTextHandler(said, nil)))
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go f.Watch(ctx) // the bubble waits for it
		name := func() string {
			shown, err := f.Config().GetCertificate(&tls.ClientHelloInfo{})
			require.NoError(t, err)
			require.Equal(t, f.Leaf(), shown.Leaf)
			return shown.Leaf.Subject.CommonName
		}
		looked := func() {
			<-time.After(lookEvery)
			synctest.Wait()
		}
		// The clock of files is coarser than a test is quick.
		dated := func(path string, at time.Time) { require.NoError(t, os.Chtimes(path, at, at)) }

		p.Write(t, "new.test", inAnHour())
		dated(p.Cert, inAnHour())
		require.Equal(t, "old.test", name(), "files are not read for each handshake")
		looked()
		require.Equal(t, "new.test", name())

		for _, spoil := range []func(){
			func() { require.NoError(t, os.WriteFile(p.Cert, []byte("half written"), 0o600)) },
			func() { p.Write(t, "late.test", time.Now().Add(-time.Hour)) },
			func() { require.NoError(t, os.Remove(p.Cert)) },
		} {
			said.take()
			spoil()
			looked()
			looked()
			require.Equal(t, "new.test", name(), "what cannot be used changes nothing")
			require.Equal(t, 1, strings.Count(said.take(), "level=ERROR"), "and is told once")
		}

		p.Write(t, "newest.test", inAnHour())
		looked()
		require.Equal(t, "newest.test", name())
	})
}
