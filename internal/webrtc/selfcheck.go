package webrtc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/pion/stun/v4"
)

const (
	// checkTimeout bounds one check. A full receive buffer loses packets, so one
	// over UDP is sent several times.
	checkTimeout = time.Second
	udpAttempts  = 4
)

// Check asks our own port, over UDP and over TCP, as a publisher would, and fails
// when no answer comes. It is work, so its caller sees that not everybody can have
// it done.
func (s *Server) Check(ctx context.Context) error {
	return errors.Join(s.checkOver(ctx, "udp"), s.checkOver(ctx, "tcp"))
}

// checkOver has a time of its own, so that one that is dead is not taken for both.
func (s *Server) checkOver(ctx context.Context, network string) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, network, s.ownAddress())
	if err == nil {
		err = s.exchangeCheck(ctx, conn)
		_ = conn.Close()
	}
	if err != nil {
		return fmt.Errorf("webrtc: port %d does not answer a check over %s: %w", s.port, strings.ToUpper(network), err)
	}
	return nil
}

// ownAddress is where this machine reaches the port.
func (s *Server) ownAddress() string {
	addr := s.listen
	if !addr.IsValid() || addr.IsUnspecified() {
		addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.AddrPortFrom(addr, uint16(s.port)).String()
}

// exchangeCheck sends a check and waits for its answer.
func (s *Server) exchangeCheck(ctx context.Context, conn net.Conn) error {
	request, err := stun.Build(stun.BindingRequest, stun.TransactionID, stun.NewUsername(s.token), stun.Fingerprint)
	if err != nil {
		return err
	}
	packet, attempts := request.Raw, udpAttempts
	stream := conn.LocalAddr().Network() == "tcp"
	if stream {
		packet, attempts = framed(packet), 1
	}
	deadline, _ := ctx.Deadline()
	for attempt := 1; attempt <= attempts; attempt++ {
		until := time.Now().Add(checkTimeout / time.Duration(attempts))
		if until.After(deadline) {
			until = deadline
		}
		_ = conn.SetDeadline(until)
		if _, err = conn.Write(packet); err != nil {
			return err
		}
		var answer []byte
		if stream {
			answer, err = readFirst(conn)
			answer = answer[min(2, len(answer)):]
		} else {
			answer = make([]byte, maxFirstPacket)
			var n int
			n, err = conn.Read(answer)
			answer = answer[:n]
		}
		if err == nil {
			return answers(request, answer)
		}
	}
	return err
}

func answers(request *stun.Message, packet []byte) error {
	answer := &stun.Message{Raw: packet}
	if err := answer.Decode(); err != nil {
		return err
	}
	if answer.TransactionID != request.TransactionID || answer.Type != stun.BindingSuccess {
		return errors.New("the answer is to something else")
	}
	return nil
}

// checkOf reads a packet as a check: our part of its user name, and the message;
// nil when it is none.
func checkOf(packet []byte) (string, *stun.Message) {
	if !stun.IsMessage(packet) {
		return "", nil
	}
	m := &stun.Message{Raw: bytes.Clone(packet)}
	if m.Decode() != nil || m.Type != stun.BindingRequest {
		return "", nil
	}
	name, err := m.Get(stun.AttrUsername)
	if err != nil {
		return "", nil
	}
	ours, _, _ := strings.Cut(string(name), ":")
	return ours, m
}

// answerSelf is the answer to a check of our own; nil to anything else.
func (s *Server) answerSelf(packet []byte, from netip.AddrPort) []byte {
	if !bytes.Contains(packet, []byte(s.token)) {
		return nil // nearly always, so without reading it
	}
	name, check := checkOf(packet)
	if check == nil || name != s.token {
		return nil
	}
	answer, err := stun.Build(check, stun.BindingSuccess,
		&stun.XORMappedAddress{IP: from.Addr().AsSlice(), Port: int(from.Port())}, stun.Fingerprint)
	if err != nil {
		return nil
	}
	return answer.Raw
}
