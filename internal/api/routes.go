package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// Groups of operations in the document.
const (
	tagStreams   = "Streams"
	tagBroadcast = "Broadcast"
	tagEvents    = "Events"
	tagPlayback  = "Playback"
)

// register adds every operation.
func (a *API) register() {
	a.registerStreams()
	a.registerBroadcast()
	a.registerEvents()
	a.routes.handle(public, "GET /openapi.json", a.serveDocument)
	a.routes.handle(public, "/", a.noRoute)
}

func (a *API) registerStreams() {
	create := huma.Operation{
		OperationID: "create-stream", Method: http.MethodPost, Path: "/v1/streams/create",
		Summary: "Create a stream", Tags: []string{tagStreams},
		Description: "Makes a stream. The same slug may be used again: it then means the newest stream.",
	}
	add(a, streamsWrite, create, a.createStream)
	create.OperationID, create.Path = "create-stream-short", "/v1/streams"
	create.Description += " The same as POST /v1/streams/create."
	add(a, streamsWrite, create, a.createStream)
	add(a, streamsRead, huma.Operation{
		OperationID: "list-streams", Method: http.MethodGet, Path: "/v1/streams",
		Summary: "List streams", Tags: []string{tagStreams},
		Description: "The account's streams, newest first, a page at a time.",
		Metadata:    map[string]any{metaIsList: true},
	}, a.listStreams)
	add(a, public, huma.Operation{
		OperationID: "get-stream", Method: http.MethodGet, Path: "/v1/streams/{id}",
		Summary: "Get a stream", Tags: []string{tagStreams},
		Description: "One stream, for anybody who knows its id, its playback id, or a slug that one account alone uses. Its hls_url and dash_url are what a player needs.",
	}, a.getStream)
	update := huma.Operation{
		OperationID: "update-stream", Method: http.MethodPatch, Path: "/v1/streams/{id}",
		Summary: "Change a stream", Tags: []string{tagStreams},
		Description: "Changes name, slug or description. What is left out or null stays, and other fields are ignored, so that the whole stream may be sent back.",
	}
	add(a, streamsWrite, update, a.updateStream)
	update.OperationID, update.Method = "replace-stream", http.MethodPut
	add(a, streamsWrite, update, a.updateStream)
	add(a, streamsWrite, huma.Operation{
		OperationID: "delete-stream", Method: http.MethodDelete, Path: "/v1/streams/{id}",
		Summary: "Delete a stream", Tags: []string{tagStreams},
		Description: "Ends the stream if it is live, takes its media off the air at once, removes it, and answers with what it was.",
	}, a.deleteStream)
}

func (a *API) registerBroadcast() {
	add(a, streamsPublish, huma.Operation{
		OperationID: "prepare-stream", Method: http.MethodPost, Path: "/v1/streams/{id}/prepare",
		Summary: "Prepare a stream", Tags: []string{tagBroadcast},
		Description: "Makes the stream ready for a publisher and starts billing. A repeat changes nothing. The body may be empty.",
	}, a.prepare)
	add(a, streamsPublish, huma.Operation{
		OperationID: "init-stream", Method: http.MethodPost, Path: "/v1/streams/{id}/init",
		Summary: "Send the SDP offer", Tags: []string{tagBroadcast},
		Description: "Takes the publisher's SDP offer and answers it, with all candidates of the server. A new offer on a live stream replaces the publisher and the stream goes on. " +
			"The description may stand in session_description or at the top of the body.",
		RequestBody: initExamples(),
	}, a.initSession)
	add(a, streamsPublish, huma.Operation{
		OperationID: "add-ice-candidate", Method: http.MethodPost, Path: "/v1/streams/{id}/ice",
		Summary: "Send an ICE candidate", Tags: []string{tagBroadcast},
		Description: "Takes one candidate of the publisher, before or after init. An offer that has all its candidates needs none of these.",
	}, a.addCandidate)
	add(a, streamsPublish, huma.Operation{
		OperationID: "start-stream", Method: http.MethodPost, Path: "/v1/streams/{id}/start",
		Summary: "Go live", Tags: []string{tagBroadcast},
		Description: "Waits for the publisher's media, up to 15 seconds, and answers when the manifests play. A repeat gives the same answer. The body may be empty.",
	}, a.start)
	add(a, streamsPublish, huma.Operation{
		OperationID: "end-stream", Method: http.MethodPost, Path: "/v1/streams/{id}/end",
		Summary: "End a stream", Tags: []string{tagBroadcast},
		Description: "Ends the stream and its billing. A repeat changes nothing. The body may be empty.",
	}, a.end)
}

func (a *API) registerEvents() {
	add(a, eventsGrant, huma.Operation{
		OperationID: "create-event-key", Method: http.MethodPost, Path: "/v1/streams/{id}/eventkey",
		Summary: "Make an event key for a stream", Tags: []string{tagEvents},
		Description: "A key for the address of this stream's events, where no header can be sent. It opens nothing else. The body may be empty.",
	}, a.streamEventKey)
	add(a, eventsGrant, huma.Operation{
		OperationID: "create-account-event-key", Method: http.MethodPost, Path: "/v1/auth/eventkey",
		Summary: "Make an event key for all streams", Tags: []string{tagEvents},
		Description: "As the key for one stream, but good for every stream of the account.",
	}, a.accountEventKey)
	add(a, public, huma.Operation{
		OperationID: "stream-events", Method: http.MethodGet, Path: "/v1/streams/{id}/events",
		Summary: "Follow a stream", Tags: []string{tagEvents}, Responses: eventResponses(),
		Description: "Server-sent events of the stream's state, for anybody: the current one at once, then each change. " + eventList,
	}, a.events)
	add(a, public, huma.Operation{
		OperationID: "keyed-stream-events", Method: http.MethodGet, Path: "/v1/streams/{id}/events/{eventkey}",
		Summary: "Follow a stream as its publisher", Tags: []string{tagEvents}, Responses: eventResponses(),
		Description: "As without a key, and also iceCandidate: the server's candidates for the current session, as JSON that RTCPeerConnection.addIceCandidate takes. " +
			"When the key expires, eventKeyExpired is sent and the stream closed. " + eventList,
	}, a.keyedEvents)
}
