package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sluicelive/sluice/internal/ffmpeg"
	"github.com/sluicelive/sluice/internal/media"
)

// doctorCmd checks, without a running server, what the server will need. It
// takes the flags of serve that matter to it.
type doctorCmd struct {
	dataFlags `embed:""`
	netFlags  `embed:""`

	FFmpeg string `name:"ffmpeg" help:"FFmpeg program." default:"ffmpeg" env:"SLUICE_FFMPEG"`
}

// finding is the outcome of one check. A remedy means that something is wrong.
type finding struct {
	what, remedy string
}

// Run makes all checks and prints a line for each.
func (c doctorCmd) Run(ctx context.Context, out terminal) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	findings := c.ffmpeg(ctx)
	findings = append(findings, c.data(), c.http(ctx))
	findings = append(findings, c.webrtc(ctx)...)
	findings = append(findings, c.addresses()...)
	wrong := 0
	for _, f := range findings {
		if f.remedy == "" {
			out.printf("ok    %s\n", f.what)
			continue
		}
		wrong++
		out.printf("FAIL  %s\n      → %s\n", f.what, f.remedy)
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d checks failed", wrong, len(findings))
	}
	return nil
}

func (c doctorCmd) ffmpeg(ctx context.Context) []finding {
	const install = "install it: apt-get install ffmpeg, or name a complete build with --ffmpeg"
	have, err := ffmpeg.Probe(ctx, c.FFmpeg)
	if err != nil {
		return []finding{{fmt.Sprintf("FFmpeg cannot be run: %v", err), install}}
	}
	found := []finding{{"FFmpeg " + have.Version, ""}}
	if len(have.Missing) > 0 {
		return append(found, finding{"FFmpeg lacks " + strings.Join(have.Missing, ", "), install})
	}
	for _, codec := range []media.Codec{media.VP8, media.VP9, media.AV1, media.H264} {
		f := finding{"FFmpeg makes a slate in " + codec.String(), ""}
		if _, err := ffmpeg.Slate(ctx, c.FFmpeg, codec); err != nil {
			f = finding{
				fmt.Sprintf("no slate in %v: %v", codec, err),
				"publishers in this codec freeze instead of showing a slate when they are away; install a complete build",
			}
		}
		found = append(found, f)
	}
	return found
}

// data writes a megabyte where the database is, or would be, and removes it: a
// check changes nothing.
func (c doctorCmd) data() finding {
	dir := c.Data
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil {
			break
		}
		dir = filepath.Dir(dir) // the folder will be made in the nearest one there is
	}
	const trial = 1 << 20
	f, err := os.CreateTemp(dir, ".sluice-doctor-*")
	if err == nil {
		_, err = f.Write(make([]byte, trial))
		_, _ = f.Close(), os.Remove(f.Name())
	}
	if err != nil {
		return finding{fmt.Sprintf("data folder %s: %v", c.Data, err), "make it writable for this user and free some space, or choose another with --data"}
	}
	return finding{"data folder is writable: " + c.Data, ""}
}

func (c doctorCmd) http(ctx context.Context) finding {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return finding{fmt.Sprintf("HTTP on %s: %v", c.Listen, err), "stop what holds the port (perhaps a running sluice), or choose another with --listen"}
	}
	_ = l.Close()
	return finding{"HTTP port is free: " + c.Listen, ""}
}

func (c doctorCmd) webrtc(ctx context.Context) []finding {
	const remedy = "stop what holds the port (perhaps a running sluice), or choose another with --webrtc-port"
	addr := ":" + strconv.Itoa(c.WebRTCPort)
	var found []finding
	if p, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp", addr); err != nil {
		found = append(found, finding{fmt.Sprintf("WebRTC on UDP %s: %v", addr, err), remedy})
	} else {
		_ = p.Close()
		found = append(found, finding{"WebRTC UDP port is free: " + addr, ""})
	}
	if l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr); err != nil {
		found = append(found, finding{fmt.Sprintf("WebRTC on TCP %s: %v", addr, err), remedy})
	} else {
		_ = l.Close()
		found = append(found, finding{"WebRTC TCP port is free: " + addr, ""})
	}
	return found
}

// addresses lists what publishers will be told, since a wrong list is the most
// common reason why a publisher never connects.
func (c doctorCmd) addresses() []finding {
	for _, a := range c.WebRTCAddress {
		if net.ParseIP(a) == nil {
			if _, err := net.LookupHost(a); err != nil { //nolint:noctx // one look-up of a command
				return []finding{{fmt.Sprintf("public address %s: %v", a, err), "write an IP address or a host name that resolves in --webrtc-address"}}
			}
		}
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return []finding{{fmt.Sprintf("network interfaces: %v", err), "name the public address with --webrtc-address"}}
	}
	var public, private []string
	for _, a := range own {
		n, ok := a.(*net.IPNet)
		switch {
		case !ok || n.IP.IsLinkLocalUnicast():
		case n.IP.IsLoopback() || n.IP.IsPrivate():
			private = append(private, n.IP.String())
		default:
			public = append(public, n.IP.String())
		}
	}
	found := finding{"publishers are told: " + strings.Join(append(append([]string(nil), c.WebRTCAddress...), append(public, private...)...), ", "), ""}
	if len(public)+len(c.WebRTCAddress) == 0 {
		found.what += " (only this network can publish; for the internet set --webrtc-address to the public address)"
	}
	return []finding{found}
}
