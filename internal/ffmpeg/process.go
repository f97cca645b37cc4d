// Package ffmpeg runs FFmpeg: the encoder of a stream as a supervised child
// process, and the few short runs around it.
package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stopGrace is how long a child may take to write out what it holds after its
// input has ended, before it is killed.
const stopGrace = 2 * time.Second

// Exit says how a child ended.
type Exit struct {
	Err       error  // nil after status 0
	LastWords string // the end of what it wrote to standard error
}

// String is one line for people: status and last words.
func (e Exit) String() string {
	status := "exit status 0"
	if e.Err != nil {
		status = e.Err.Error()
	}
	if e.LastWords == "" {
		return status
	}
	return status + ": " + e.LastWords
}

// Process is a running FFmpeg. Its life: Start → write Stdin, read Outputs →
// Stop, or Wait for an end of its own → Close.
type Process struct {
	Stdin   io.WriteCloser
	Outputs []*os.File // one a rendition, closed by Close

	cmd  *exec.Cmd
	log  *slog.Logger
	exit Exit
	done chan struct{}
}

// Start runs program without a confinement.
func Start(ctx context.Context, program string, args []string, outputs int, log *slog.Logger) (*Process, error) {
	return Confinement{}.Start(ctx, program, args, outputs, log)
}

// Start runs program with args and the given number of output pipes. The child
// gets its own process group and dies with the server. Canceling ctx kills it.
func (c Confinement) Start(ctx context.Context, program string, args []string, outputs int, log *slog.Logger) (*Process, error) {
	cmd := c.command(ctx, program, args)
	cmd.Env = environment(cmd)
	cmd.Cancel = func() error { return killGroup(cmd.Process.Pid) }
	cmd.WaitDelay = stopGrace
	words := &lastWords{}
	cmd.Stderr = words
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("ffmpeg: stdin: %w", err)
	}
	p := &Process{Stdin: stdin, cmd: cmd, log: log, done: make(chan struct{})}
	if err := p.pipes(outputs); err != nil {
		return nil, err
	}
	started := make(chan error)
	go func() {
		defer close(p.done)
		// The kernel kills the child when the thread that started it ends
		// (prctl(2), PR_SET_PDEATHSIG), so this thread waits for the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		p.closeChildEnds()
		started <- err
		if err != nil {
			return
		}
		err = cmd.Wait()
		p.exit = Exit{Err: err, LastWords: words.String()}
	}()
	if err := <-started; err != nil {
		<-p.done
		p.Close()
		return nil, fmt.Errorf("ffmpeg: start: %w", err)
	}
	return p, nil
}

// environment is ours without our settings, among which are keys: what the child
// parses comes from outside.
func environment(cmd *exec.Cmd) []string {
	return slices.DeleteFunc(cmd.Environ(), func(v string) bool { return strings.HasPrefix(v, "SLUICE_") })
}

// pipes opens the output pipes. Their write ends go to the child as
// descriptors 3 and up.
func (p *Process) pipes(n int) error {
	for range n {
		r, w, err := os.Pipe()
		if err != nil {
			p.closeChildEnds()
			p.Close()
			return fmt.Errorf("ffmpeg: pipe: %w", err)
		}
		p.Outputs = append(p.Outputs, r)
		p.cmd.ExtraFiles = append(p.cmd.ExtraFiles, w)
	}
	return nil
}

// closeChildEnds closes our copies of the pipe ends that the child has: they
// would hide its end.
func (p *Process) closeChildEnds() {
	for _, w := range p.cmd.ExtraFiles {
		_ = w.Close()
	}
}

// PID is the child's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Stop ends the input, so that the child writes out what it holds, kills it
// when that takes longer than a grace time, and says how it ended. Its outputs
// must be read meanwhile, or it cannot write.
func (p *Process) Stop() Exit {
	_ = p.Stdin.Close()
	grace := time.NewTimer(stopGrace)
	defer grace.Stop()
	select {
	case <-p.done:
	case <-grace.C:
		p.log.Warn("encoder did not stop, killing it", "pid", p.PID())
		_ = killGroup(p.PID())
	}
	return p.Wait()
}

// Done is closed when the child has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait blocks until the child has ended, and says how.
func (p *Process) Wait() Exit {
	<-p.done
	return p.exit
}

// Close closes our ends of the pipes. Call it when the child has ended and its
// outputs are read.
func (p *Process) Close() {
	_ = p.Stdin.Close()
	for _, f := range p.Outputs {
		_ = f.Close()
	}
}

// lastWords keeps the end of what a child wrote to standard error.
type lastWords struct {
	mu   sync.Mutex
	tail []byte
}

// keptWords is how much is kept, in bytes.
const keptWords = 2048

func (w *lastWords) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tail = append(w.tail, b...)
	if over := len(w.tail) - keptWords; over > 0 {
		w.tail = append(w.tail[:0], w.tail[over:]...)
	}
	return len(b), nil
}

func (w *lastWords) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := strings.FieldsFunc(string(w.tail), func(r rune) bool { return r == '\n' || r == '\r' })
	return strings.Join(lines[max(0, len(lines)-3):], "; ")
}

// killGroup kills a child and whatever it started.
func killGroup(pid int) error {
	err := syscall.Kill(-pid, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}
