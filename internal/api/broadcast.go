package api

import (
	"context"

	"github.com/sluicelive/sluice"
)

func (a *API) prepare(ctx context.Context, c call, in *StreamPath) (*reply[stream], error) {
	s, err := a.find(ctx, c.principal.Account, in.ID)
	if err != nil {
		return nil, err
	}
	if s, err = a.Live.Prepare(ctx, c.principal.Account, s.ID); err != nil {
		return nil, err
	}
	return ok(a.newStream(s, c.base)), nil
}

// description is an RTCSessionDescriptionInit (W3C WebRTC, section 4.6.1).
type description struct {
	Type string `json:"type" required:"false" example:"offer"`
	SDP  string `json:"sdp" required:"false" example:"v=0\r\n…"`
}

// initBody takes both forms in use: the tutorial's, with the description in
// session_description, and the bare description of the JavaScript client.
type initBody struct {
	Type               string       `json:"type" required:"false" example:"offer"`
	SDP                string       `json:"sdp" required:"false"`
	Slug               *string      `json:"slug" required:"false" doc:"Ignored"`
	SessionDescription *description `json:"session_description" required:"false" doc:"The offer; type and sdp may also stand beside it, at the top"`
}

// offer is the SDP of whichever form was sent.
func (b initBody) offer() (string, error) {
	d := description{Type: b.Type, SDP: b.SDP}
	if b.SessionDescription != nil {
		d = *b.SessionDescription
	}
	if d.SDP == "" {
		return "", sluice.Errorf(sluice.KindInvalid, "sdp_required",
			"session_description.sdp is required: send the peer connection's localDescription")
	}
	if d.Type != "offer" {
		return "", sluice.Errorf(sluice.KindInvalid, "sdp_type_invalid",
			"session_description.type must be offer, not %q", d.Type)
	}
	return d.SDP, nil
}

type initInput struct {
	StreamPath
	Body initBody
}

func (a *API) initSession(ctx context.Context, c call, in *initInput) (*reply[description], error) {
	s, err := a.find(ctx, c.principal.Account, in.ID)
	if err != nil {
		return nil, err
	}
	offer, err := in.Body.offer()
	if err != nil {
		return nil, err
	}
	answer, err := a.Live.Init(ctx, c.principal.Account, s.ID, offer)
	if err != nil {
		return nil, err
	}
	return ok(description{Type: "answer", SDP: answer}), nil
}

// iceBody is sluice.ICECandidate with its limits.
type iceBody struct {
	Candidate        string  `json:"candidate" required:"false" maxLength:"2048" doc:"Empty at the end of the candidates" example:"candidate:1 1 udp 2122260223 192.0.2.1 54400 typ host"`
	SDPMid           *string `json:"sdpMid" required:"false" maxLength:"256" example:"0"`
	SDPMLineIndex    *uint16 `json:"sdpMLineIndex" required:"false" maximum:"65535" example:"0"`
	UsernameFragment *string `json:"usernameFragment" required:"false" maxLength:"256" example:"EsAw"`
}

type iceInput struct {
	StreamPath
	Body iceBody
}

func (a *API) addCandidate(ctx context.Context, c call, in *iceInput) (*reply[bool], error) {
	s, err := a.find(ctx, c.principal.Account, in.ID)
	if err != nil {
		return nil, err
	}
	if err := a.Live.AddCandidate(ctx, c.principal.Account, s.ID, sluice.ICECandidate(in.Body)); err != nil {
		return nil, err
	}
	return ok(true), nil
}

func (a *API) start(ctx context.Context, c call, in *StreamPath) (*reply[manifests], error) {
	s, err := a.find(ctx, c.principal.Account, in.ID)
	if err != nil {
		return nil, err
	}
	if s, err = a.Live.Start(ctx, c.principal.Account, s.ID); err != nil {
		return nil, err
	}
	return ok(manifestsOf(s.ID, c.base)), nil
}

func (a *API) end(ctx context.Context, c call, in *StreamPath) (*reply[stream], error) {
	s, err := a.find(ctx, c.principal.Account, in.ID)
	if err != nil {
		return nil, err
	}
	if s, err = a.Live.End(ctx, c.principal.Account, s.ID, sluice.EndRequested); err != nil {
		return nil, err
	}
	return ok(a.newStream(s, c.base)), nil
}
