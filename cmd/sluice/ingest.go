package main

import (
	"fmt"
	"log/slog"
	"net/netip"

	"github.com/sluicelive/sluice/internal/webrtc"
)

// ingest is how publishers' media comes in.
func (f *netFlags) ingest(unproven int, log *slog.Logger) webrtc.Config {
	listen, _ := f.webrtcListen() // which Validate has checked
	return webrtc.Config{
		Port: f.WebRTCPort, Listen: listen,
		Addresses: f.WebRTCAddress, AnnounceInterfaces: f.WebRTCAnnounceInterfaces,
		MaxUnproven: unproven,
		Log:         log,
	}
}

// webrtcListen is the address to bind; the zero one for all.
func (f *netFlags) webrtcListen() (netip.Addr, error) {
	if f.WebRTCListen == "" {
		return netip.Addr{}, nil
	}
	addr, err := netip.ParseAddr(f.WebRTCListen)
	if err != nil {
		return addr, fmt.Errorf("--webrtc-listen %q is no IP address; write one of this machine's, as 192.0.2.7 or 127.0.0.1", f.WebRTCListen)
	}
	return addr, nil
}
