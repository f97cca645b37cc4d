package ffmpeg

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
	"github.com/sluicelive/sluice/internal/mkv"
)

// confined is the confinement of the FFmpeg that is installed.
func confined(t *testing.T) (Confinement, []string) {
	t.Helper()
	c, missing := Confine(t.Context(), "ffmpeg")
	require.True(t, c.on, missing)
	return c, missing
}

// process reads a file of a process.
func process(t *testing.T, pid int, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), file)) // #nosec G304 -- of a test
	require.NoError(t, err)
	return string(b)
}

// field is the rest of the line of text that begins with name.
func field(text, name string) string {
	for line := range strings.Lines(text) {
		if rest, found := strings.CutPrefix(line, name); found {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

func TestAConfinedEncoderIsKeptApart(t *testing.T) {
	c, missing := confined(t)
	p, err := c.Start(t.Context(), "ffmpeg", []string{"-hide_banner", "-loglevel", "error", "-f", "matroska", "-i", "pipe:0", "-f", "null", "-"}, 1, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer p.Close()
	defer p.Stop()
	require.Eventually(t, func() bool { return strings.TrimSpace(process(t, p.PID(), "comm")) == "ffmpeg" }, 10*time.Second, time.Millisecond)

	status, limits := process(t, p.PID(), "status"), process(t, p.PID(), "limits")
	require.Equal(t, "1", field(status, "NoNewPrivs:"))
	for name, most := range map[string]string{
		"Max file size": "0", "Max core file size": "0", "Max open files": strconv.Itoa(maxOpenFiles),
	} {
		require.Equal(t, []string{most, most}, strings.Fields(field(limits, name))[:2], name)
	}
	require.NotContains(t, field(limits, "Max address space"), "unlimited")

	nice, err := unix.Getpriority(unix.PRIO_PROCESS, p.PID())
	require.NoError(t, err)
	ours, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	require.NoError(t, err)
	require.Equal(t, max(ours-niceness, 20-worstNiceness), nice, "getpriority counts from 20 down")
	require.Greater(t, oomScoreOf(t, p.PID()), oomScoreOf(t, os.Getpid()))

	network := func(pid string) string {
		name, err := os.Readlink("/proc/" + pid + "/ns/net")
		require.NoError(t, err)
		return name
	}
	if mayHaveNamespaces(t) {
		require.NotContains(t, strings.Join(missing, ";"), "network")
		require.NotEqual(t, network("self"), network(strconv.Itoa(p.PID())))
		require.Equal(t, "0000000000000000", field(status, "CapEff:"))
	} else {
		require.Contains(t, strings.Join(missing, ";"), "network", "what the kernel does not allow is said")
	}
}

func oomScoreOf(t *testing.T, pid int) int {
	t.Helper()
	score, err := strconv.Atoi(strings.TrimSpace(process(t, pid, "oom_score_adj")))
	require.NoError(t, err)
	return score
}

// mayHaveNamespaces asks the kernel by another program than ours.
func mayHaveNamespaces(t *testing.T) bool {
	t.Helper()
	return exec.CommandContext(t.Context(), "unshare", "--user", "--net", "true").Run() == nil ||
		exec.CommandContext(t.Context(), "unshare", "--net", "true").Run() == nil
}

func TestAConfinedFFmpegReadsAndWritesNoFile(t *testing.T) {
	c, _ := confined(t)
	secret, made := filepath.Join(t.TempDir(), "sluice.db"), filepath.Join(t.TempDir(), "made")
	require.NoError(t, os.WriteFile(secret, make([]byte, 4096), 0o600))
	read := []string{"-hide_banner", "-loglevel", "error", "-i", secret, "-f", "null", "-"}
	write := []string{"-hide_banner", "-loglevel", "error", "-f", "lavfi", "-i", "color=s=64x64", "-frames:v", "1", "-f", "rawvideo", made}

	_, err := run(t.Context(), "ffmpeg", read...)
	require.ErrorContains(t, err, "Invalid data", "it is readable otherwise")
	_, err = c.run(t.Context(), "ffmpeg", write...)
	require.Error(t, err)
	content, err := os.ReadFile(made) // #nosec G304 -- of a test
	require.Empty(t, content, "no byte is written on any kernel: %v", err)
	if c.landlock {
		_, err = c.run(t.Context(), "ffmpeg", read...)
		require.ErrorContains(t, err, "Permission denied")
		require.NoFileExists(t, made)
	}
	version, err := kernelHasLandlock()
	require.Equal(t, err == nil && version > 0, c.landlock, "Debian's build runs under it")
}

func kernelHasLandlock() (int, error) {
	const versionFlag = 1
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, versionFlag)
	if errno != 0 {
		return 0, errno
	}
	return int(version), nil
}

func TestAProgramWithFilesElsewhereRunsWithoutLandlock(t *testing.T) {
	dir := t.TempDir()
	script, target := filepath.Join(dir, "ffmpeg"), filepath.Join(dir, "real")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\nexec "+target+" \"$@\"\n"), 0o700))   //nolint:gosec // a program
	require.NoError(t, os.WriteFile(target, []byte("#!/bin/sh\necho ffmpeg version 0 of\n"), 0o700)) //nolint:gosec // a program
	c, missing := Confine(t.Context(), script)
	require.True(t, c.on)
	require.False(t, c.landlock)
	require.Contains(t, strings.Join(missing, ";"), "no access to files")
	_, err := c.run(t.Context(), script, "-version")
	require.NoError(t, err)
}

func TestNoProgramNoConfinement(t *testing.T) {
	c, missing := Confine(t.Context(), "/nowhere/ffmpeg")
	require.Equal(t, Confinement{}, c)
	require.Contains(t, missing[0], "all of it")
	_, err := Confinement{on: true}.Start(t.Context(), "/nowhere/ffmpeg", nil, 2, slog.New(slog.DiscardHandler))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// TestAConfinedEncoderDiesWithTheServer starts a confined FFmpeg in a process of
// its own, which is then killed.
func TestAConfinedEncoderDiesWithTheServer(t *testing.T) {
	confined(t)
	server := exec.CommandContext(t.Context(), ownProgram)
	server.Env = append(os.Environ(), serverOfAnEncoder+"=1")
	out, err := server.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, server.Start())
	var pid int
	_, err = fmt.Fscanf(out, "pid %d\n", &pid)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return strings.TrimSpace(process(t, pid, "comm")) == "ffmpeg" }, 10*time.Second, time.Millisecond)
	require.NoError(t, server.Process.Kill())
	require.Error(t, server.Wait())
	require.Eventually(t, func() bool { return syscall.Kill(pid, 0) != nil || isZombie(pid) }, 5*time.Second, 5*time.Millisecond)
}

// isZombie is about a process that has ended and that init has not noticed yet.
func isZombie(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(b), ") Z ")
}

// TestConfinedEncode is TestEncode's largest ladder inside.
func TestConfinedEncode(t *testing.T) {
	c, _ := confined(t)
	ladder, err := sluice.NewLadder("1080")
	require.NoError(t, err)
	for _, codec := range []media.Codec{media.VP8, media.VP9, media.AV1, media.H264} {
		t.Run(codec.String(), func(t *testing.T) {
			require.NoError(t, c.Decodes(t.Context(), "ffmpeg", codec))
			slate := media.Slate(codec)
			e := Encode{Ladder: ladder}
			p, err := c.Start(t.Context(), "ffmpeg", e.Args(), e.Outputs(), slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			outputs := drain(p)
			w, err := mkv.NewWriter(p.Stdin, codec)
			require.NoError(t, err)
			for at := time.Duration(0); at < time.Second; at += media.OpusSilenceDuration {
				require.NoError(t, w.WriteVideo(at, true, slate))
				require.NoError(t, w.WriteAudio(at, media.OpusSilence))
			}
			require.NoError(t, p.Stdin.Close())
			exit := p.Wait()
			require.NoError(t, exit.Err, exit.LastWords)
			for _, output := range outputs {
				require.NotEmpty(t, <-output)
			}
			p.Close()
		})
	}
}

// TestHugeFramesCostNothing sends key frames of 8192×8192.
func TestHugeFramesCostNothing(t *testing.T) {
	c, _ := confined(t)
	huge := keyFrame(t, media.H264, "8192x8192")
	ladder, err := sluice.NewLadder("360")
	require.NoError(t, err)
	e := Encode{Ladder: ladder}
	p, err := c.Start(t.Context(), "ffmpeg", e.Args(), e.Outputs(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	outputs := drain(p)
	w, err := mkv.NewWriter(p.Stdin, media.H264)
	require.NoError(t, err)
	for at := time.Duration(0); at < time.Second; at += media.OpusSilenceDuration {
		if err := w.WriteVideo(at, true, huge); err != nil {
			break // it may have ended before
		}
	}
	_ = p.Stdin.Close()
	exit := p.Wait()
	for _, output := range outputs {
		<-output
	}
	p.Close()
	require.Error(t, exit.Err)
	usage, ok := p.cmd.ProcessState.SysUsage().(*syscall.Rusage)
	require.True(t, ok)
	const most = 200 << 10 // KiB; one such frame takes 100 MB, and the reference it refers to as well
	require.Less(t, usage.Maxrss, int64(most))
}

func TestKernelsAreCompared(t *testing.T) {
	for release, want := range map[string]bool{
		"6.1.0-18-amd64": true, "5.14.0": true, "5.15.0-100-generic": true, "5.10.0-28-amd64": false, "4.18.0": false, "unknown": false, "": false,
	} {
		require.Equal(t, want, isAtLeast(release, 5, 14), release)
	}
}
