package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicelive/sluice/internal/certs"
	"github.com/sluicelive/sluice/internal/ffmpeg"
	"github.com/sluicelive/sluice/internal/media"
	"github.com/sluicelive/sluice/internal/webrtc"
)

// doctorCmd checks, without a running server, what the server will need. It
// takes the flags of serve that matter to it.
type doctorCmd struct {
	dataFlags  `embed:""`
	netFlags   `embed:""`
	tlsFlags   `embed:""`
	limitFlags `embed:""`

	FFmpeg string `name:"ffmpeg" help:"FFmpeg program." default:"ffmpeg" env:"SLUICE_FFMPEG"`
}

// Validate checks what flags alone can tell.
func (c *doctorCmd) Validate() error {
	return errors.Join(c.tlsFlags.Validate(), c.limitFlags.Validate())
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
	findings = append(findings, c.data(), c.files())
	findings = append(findings, c.http(ctx)...)
	findings = append(findings, c.certificate(ctx)...)
	findings = append(findings, c.webrtc(ctx)...)
	findings = append(findings, c.addresses(ctx)...)
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
	confinement, missing := ffmpeg.Confine(ctx, c.FFmpeg)
	found = append(found, confined(missing))
	for _, codec := range []media.Codec{media.VP8, media.VP9, media.AV1, media.H264} {
		f := finding{"FFmpeg decodes " + codec.String(), ""}
		if err := confinement.Decodes(ctx, c.FFmpeg, codec); err != nil {
			f = finding{
				fmt.Sprintf("FFmpeg does not decode %v: %v", codec, err),
				"streams in this codec cannot be encoded; install a complete build, or name one with --ffmpeg",
			}
		}
		found = append(found, f)
	}
	return found
}

// confined says in what FFmpeg is kept. What is missing there is no failure: the
// server works without it.
func confined(missing []string) finding {
	if len(missing) == 0 {
		return finding{"FFmpeg, which reads what strangers send, is confined: no files, no network, limited memory, low priority", ""}
	}
	return finding{"FFmpeg, which reads what strangers send, is confined, without: " + strings.Join(missing, "; "), ""}
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

// fewFiles is a limit of open files with which a server is small.
const fewFiles = 1024

// files tells what viewers can take, which follows from the limit of open files.
func (c doctorCmd) files() finding {
	files, err := raiseFileLimit()
	if err != nil {
		return finding{err.Error(), "raise the limit of open files (LimitNOFILE in systemd, ulimit -n in a shell)"}
	}
	l := c.derive(files)
	f := finding{l.String(), ""}
	if what, remedy := l.overdrawn(); what != "" {
		f.what += "; " + what
		f.remedy = remedy + ": viewers could take what live streams need"
	} else if files <= fewFiles {
		f.what += " (for more viewers raise the limit of open files: LimitNOFILE in systemd, ulimit -n in a shell)"
	}
	return f
}

func (c doctorCmd) http(ctx context.Context) []finding {
	found := []finding{httpPort(ctx, c.Listen, "--listen")}
	if c.HTTPListen != "" {
		found = append(found, httpPort(ctx, c.HTTPListen, "--http-listen"))
	}
	return found
}

func httpPort(ctx context.Context, addr, flag string) finding {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return finding{fmt.Sprintf("HTTP on %s: %v", addr, err), "stop what holds the port (perhaps a running sluice), or choose another with " + flag}
	}
	_ = l.Close()
	return finding{"HTTP port is free: " + addr, ""}
}

// soon is when a certificate that nobody has renewed yet was forgotten: those of
// ninety days are renewed with thirty to go.
const soon = 7 * 24 * time.Hour

// certificate looks at what HTTPS will be served with.
func (c doctorCmd) certificate(ctx context.Context) []finding {
	if c.TLSCert != "" {
		files, err := certs.Load(c.TLSCert, c.TLSKey, slog.New(slog.DiscardHandler))
		if err != nil {
			return []finding{{err.Error(), "name a chain and its key, both PEM and readable for this user, with --tls-cert and --tls-key"}}
		}
		until := files.Leaf().NotAfter
		f := finding{fmt.Sprintf("certificate is for %s, until %s", strings.Join(files.Leaf().DNSNames, ", "), until.Format(time.DateOnly)), ""}
		if time.Until(until) < soon {
			f.remedy = "renew it, and see why that was not done in time"
		}
		return []finding{f}
	}
	var found []finding
	for _, name := range c.ACMEDomain {
		addresses, err := net.DefaultResolver.LookupHost(ctx, name)
		if err != nil {
			found = append(found, finding{fmt.Sprintf("domain %s: %v", name, err), "point the name at this machine, or write another with --acme-domain"})
			continue
		}
		found = append(found, finding{fmt.Sprintf("%s is %s; its port 443 must lead to %s", name, strings.Join(addresses, ", "), c.Listen), ""})
	}
	return found
}

func (c doctorCmd) webrtc(ctx context.Context) []finding {
	const remedy = "stop what holds the port (perhaps a running sluice), or choose another with --webrtc-port"
	listen, err := c.webrtcListen()
	if err != nil {
		return []finding{{err.Error(), "write an IP address of this machine in --webrtc-listen, or leave it out"}}
	}
	addr := ":" + strconv.Itoa(c.WebRTCPort)
	if listen.IsValid() {
		addr = netip.AddrPortFrom(listen, uint16(c.WebRTCPort)).String()
	}
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
func (c doctorCmd) addresses(ctx context.Context) []finding {
	policy := webrtc.AddressPolicy{Interfaces: c.WebRTCAnnounceInterfaces}
	policy.Listen, _ = c.webrtcListen() // the check of the port says what is wrong with it
	for _, name := range c.WebRTCAddress {
		if addr, err := netip.ParseAddr(name); err == nil {
			policy.Announced = append(policy.Announced, addr.Unmap())
			continue
		}
		found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
		if err != nil {
			return []finding{{fmt.Sprintf("public address %s: %v", name, err), "write an IP address or a host name that resolves in --webrtc-address"}}
		}
		policy.Announced = append(policy.Announced, found...)
	}
	own, err := webrtc.InterfaceAddresses()
	if err != nil {
		return []finding{{fmt.Sprintf("network interfaces: %v", err), "name the public address with --webrtc-address"}}
	}
	told := policy.Tell(own)
	list := make([]string, 0, len(told))
	for _, a := range told {
		list = append(list, a.String())
	}
	found := finding{"publishers are told: " + strings.Join(list, ", "), ""}
	switch {
	case len(policy.Announced) > 0:
	case !slices.ContainsFunc(told, func(a netip.Addr) bool { return !a.IsLoopback() }):
		found.what += " (only this machine can publish; for others set --webrtc-address to the public address)"
	case !slices.ContainsFunc(told, func(a netip.Addr) bool { return !webrtc.IsPrivate(a) && !a.IsLinkLocalUnicast() }):
		found.what += " (only this network can publish; for the internet set --webrtc-address to the public address)"
	}
	return []finding{found}
}
