package sluice

import "encoding/json"

// EventType names what happened, in the words of the API's event streams.
type EventType string

// The events a stream sends. EventICECandidate goes to keyed subscribers only.
const (
	EventICECandidate EventType = "iceCandidate"
	EventReady        EventType = "streamReady"
	EventStarted      EventType = "streamStarted"
	EventEnded        EventType = "streamEnded"
	EventError        EventType = "streamError"
	// EventReconnecting is an addition of ours: the publisher is away and the
	// stream waits for it. EventStarted follows when it is back.
	EventReconnecting EventType = "streamReconnecting"
)

// Event is one thing that happened to one stream.
type Event struct {
	ID       int64 // rises over all streams and over restarts; 0 until published
	StreamID StreamID
	Type     EventType
	// Session is the ingest session an EventICECandidate belongs to; empty
	// otherwise.
	Session string
	Data    json.RawMessage
}
