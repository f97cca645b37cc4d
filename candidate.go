package sluice

// ICECandidate is a transport address in the shape browsers exchange
// (RTCIceCandidateInit, W3C WebRTC section 4.8.1.1).
type ICECandidate struct {
	Candidate        string  `json:"candidate"`
	SDPMid           *string `json:"sdpMid"`
	SDPMLineIndex    *uint16 `json:"sdpMLineIndex"`
	UsernameFragment *string `json:"usernameFragment"`
}
