package ffmpeg

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/landlock-lsm/go-landlock/landlock"
	landlocksys "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

const (
	// ownProgram is this very program, even after its file was replaced.
	ownProgram = "/proc/self/exe"
	// wrapperCommand is the first argument of a process that confines itself and
	// then becomes FFmpeg. Go cannot run code between fork and exec, and a second
	// exec keeps the process id, the pipes and the death signal.
	wrapperCommand = "ffmpeg-confined"
)

// The layers that not every kernel has, as the wrapper's second argument.
const (
	layerLandlock = "landlock"
	layerOwnUser  = "own-user"
)

const (
	niceness      = 5   // above the server's: who serves viewers comes first
	oomScore      = 500 // above the server's: an encoder is replaced within a second
	maxOpenFiles  = 64
	maxThreads    = 512
	addressSpace  = 2 << 30 // a 1080 ladder takes half a GiB with 2 cores
	perCore       = 1 << 27 // more of it for each core: the stacks and arenas of x264's threads
	maxOOMScore   = 1000
	worstNiceness = 19
)

// Confine finds the strongest confinement in which program runs on this machine,
// and says what is missing. The program that calls it calls RunConfined first of
// all: confined processes begin as another copy of it.
func Confine(ctx context.Context, program string) (c Confinement, missing []string) {
	version, _ := landlocksys.LandlockGetABIVersion() // an error means version 0
	var err error
	for _, namespaces := range []uintptr{unix.CLONE_NEWUSER | unix.CLONE_NEWNET, unix.CLONE_NEWNET, 0} {
		for _, lock := range []bool{true, false} {
			if lock && version <= 0 {
				continue
			}
			c = Confinement{on: true, landlock: lock, namespaces: namespaces}
			if _, err = c.run(ctx, program, "-hide_banner", "-version"); err == nil {
				return c, c.missing(version)
			}
		}
	}
	return Confinement{}, []string{fmt.Sprintf("all of it: %s cannot be run inside (%v)", program, err)}
}

// missing says in which ways c is weaker than it could be.
func (c Confinement) missing(landlockVersion int) []string {
	var missing []string
	if c.namespaces == 0 {
		missing = append(missing, "a network of its own, since this kernel or container allows no namespaces")
	}
	switch {
	case landlockVersion <= 0:
		missing = append(missing, "no access to files, since this kernel has no Landlock (5.13 or newer, with lsm=landlock)")
	case !c.landlock:
		missing = append(missing, "no access to files, since its libraries are not below /usr or /lib, or where its program says")
	}
	return missing
}

func (c Confinement) layers() string {
	var layers []string
	if c.landlock {
		layers = append(layers, layerLandlock)
	}
	if c.namespaces&unix.CLONE_NEWUSER != 0 {
		layers = append(layers, layerOwnUser)
	}
	return strings.Join(layers, ",")
}

// separate gives the child its namespaces. In a user namespace without a
// mapping it has no capability, and can create no file.
func (c Confinement) separate(attr *syscall.SysProcAttr) { attr.Cloneflags = c.namespaces }

// RunConfined confines this process and makes it FFmpeg when its command line
// asks for that, as Confinement's does. It returns only when it does not, or
// after a failure; asked says which.
func RunConfined(args, environment []string) (status int, asked bool) {
	if len(args) < 4 || args[1] != wrapperCommand {
		return 0, false
	}
	err := become(args[2], args[3:], environment)
	fmt.Fprintf(os.Stderr, "cannot confine FFmpeg: %v\n", err)
	return 1, true
}

// become does not return but for an error. Most of what it sets belongs to a
// thread, and the thread that calls exec is the one that stays.
func become(layers string, argv, environment []string) error {
	program := argv[0]
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	has := strings.Split(layers, ",")
	yield()
	// Only the first thread inherits it.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("death signal: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	if slices.Contains(has, layerLandlock) {
		if err := lockFiles(program); err != nil {
			return fmt.Errorf("landlock: %w", err)
		}
	}
	for _, limit := range limits(slices.Contains(has, layerOwnUser)) {
		value := syscall.Rlimit{Cur: limit.most, Max: limit.most}
		if err := syscall.Setrlimit(limit.of, &value); err != nil && !errors.Is(err, syscall.EPERM) { // EPERM: it is lower already
			return fmt.Errorf("resource limit %d: %w", limit.of, err)
		}
	}
	return syscall.Exec(program, argv, environment) // #nosec G204 G702 -- our own argument list
}

// yield puts the process behind the server where CPU or memory is short. It may
// be where it should be already, so a failure changes nothing.
func yield() {
	if raw, err := unix.Getpriority(unix.PRIO_PROCESS, 0); err == nil {
		nice := 20 - raw // as the system call counts
		_ = unix.Setpriority(unix.PRIO_PROCESS, 0, min(nice+niceness, worstNiceness))
	}
	const file = "/proc/self/oom_score_adj"
	b, err := os.ReadFile(file)
	if err != nil {
		return
	}
	if score, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil {
		_ = os.WriteFile(file, []byte(strconv.Itoa(min(score+oomScore, maxOOMScore))), 0)
	}
}

type limit struct {
	of   int
	most uint64
}

// limits are the resource limits of FFmpeg. The address space comes last: Go's
// own might not fit. Processes are counted for all of a user's, so that only one
// that is alone in its namespace can be limited, and only where the kernel counts
// by namespace.
func limits(alone bool) []limit {
	all := []limit{
		{unix.RLIMIT_FSIZE, 0}, // files; pipes are none
		{unix.RLIMIT_CORE, 0},
		{unix.RLIMIT_NOFILE, maxOpenFiles},
	}
	if alone && countsByNamespace() {
		all = append(all, limit{unix.RLIMIT_NPROC, maxThreads})
	}
	return append(all, limit{unix.RLIMIT_AS, addressSpace + uint64(runtime.NumCPU())*perCore})
}

// countsByNamespace reports whether RLIMIT_NPROC is for a user of a namespace, as
// since Linux 5.14, and not for all of that user's threads on the machine.
func countsByNamespace() bool {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return false
	}
	return isAtLeast(unix.ByteSliceToString(name.Release[:]), 5, 14)
}

// isAtLeast reads the release of a kernel, as in 6.1.0-18-amd64.
func isAtLeast(release string, major, minor int) bool {
	var haveMajor, haveMinor int
	if n, err := fmt.Sscanf(release, "%d.%d", &haveMajor, &haveMinor); n != 2 || err != nil {
		return false
	}
	return haveMajor > major || haveMajor == major && haveMinor >= minor
}

// lockFiles leaves FFmpeg its program and libraries to read, and nothing to
// write. Unlike go-landlock's own it acts on this thread alone, which is enough
// before an exec.
func lockFiles(program string) error {
	rules := []landlock.Rule{
		landlock.RODirs("/usr", "/lib", "/lib32", "/lib64", "/nix/store", "/gnu/store", "/snap", "/sys/devices/system").IgnoreIfMissing(),
		landlock.ROFiles("/etc/ld.so.cache", "/dev/null", "/dev/urandom").IgnoreIfMissing(),
		landlock.ROFiles(program),
		landlock.RODirs(libraryFolders(program)...).IgnoreIfMissing(),
	}
	fd, flags, err := landlock.V11.BestEffort().NewRulesetFD(rules...)
	if err != nil || fd < 0 {
		return err
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(fd), uintptr(flags), 0); errno != 0 {
		return errno
	}
	return unix.Close(fd)
}

// libraryFolders are where program says that its libraries are, besides the
// system's: builds that bring their own have them near.
func libraryFolders(program string) []string {
	if target, err := filepath.EvalSymlinks(program); err == nil {
		program = target
	}
	file, err := elf.Open(program)
	if err != nil {
		return nil // a script
	}
	defer func() { _ = file.Close() }()
	here := strings.NewReplacer("$ORIGIN", filepath.Dir(program), "${ORIGIN}", filepath.Dir(program))
	var folders []string
	for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} {
		paths, err := file.DynString(tag)
		if err != nil {
			continue // linked statically
		}
		for _, path := range paths {
			folders = append(folders, filepath.SplitList(here.Replace(path))...)
		}
	}
	return slices.DeleteFunc(folders, func(f string) bool { return f == "" })
}
