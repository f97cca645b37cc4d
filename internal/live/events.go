package live

import (
	"encoding/json"

	"github.com/sluicelive/sluice"
)

// stateEvent is the data of a state event.
type stateEvent struct {
	ID        sluice.StreamID `json:"id"`
	Status    sluice.Status   `json:"status"`
	Cause     sluice.EndCause `json:"cause,omitempty"`
	Message   string          `json:"message,omitempty"`
	StartTime any             `json:"start_time,omitempty"`
	EndTime   any             `json:"end_time,omitempty"`
}

// errorEvent is the data of a streamError.
type errorEvent struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (s *Server) publishState(t sluice.EventType, st *sluice.Stream) {
	e := stateEvent{ID: st.ID, Status: st.Status(), Cause: st.Broadcast.EndCause, Message: st.Broadcast.Failure}
	if at := st.Broadcast.StartedAt; at != nil {
		e.StartTime = at
	}
	if at := st.Broadcast.EndedAt; at != nil {
		e.EndTime = at
	}
	s.publish(sluice.Event{StreamID: st.ID, Type: t}, e)
}

func (s *Server) publishError(id sluice.StreamID, code, message string) {
	s.publish(sluice.Event{StreamID: id, Type: sluice.EventError}, errorEvent{code, message})
}

func (s *Server) publishCandidate(id sluice.StreamID, session string, c sluice.ICECandidate) {
	s.publish(sluice.Event{StreamID: id, Type: sluice.EventICECandidate, Session: session}, c)
}

func (s *Server) publish(e sluice.Event, data any) {
	b, err := json.Marshal(data)
	if err != nil {
		s.log.Error("event not sent", "stream", e.StreamID, "err", err)
		return
	}
	e.Data = b
	s.cfg.Bus.Publish(e)
}
