package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

const overview = `Live streaming: a browser publishes its camera over WebRTC, and any player watches over HLS or DASH.

A broadcast takes five calls: create, prepare, init (SDP offer and answer), start, end. Every JSON answer is
{"code", "message", "data"}, and the HTTP status equals code. An error also has "error", a stable word for programs,
and its data is an empty string.

Calls marked with a lock need an application key: Authorization: Bearer <application key>. Unknown fields are ignored.`

const eventList = "Events: streamReady, streamStarted, streamReconnecting, streamEnded, streamError; each has an id and JSON data. " +
	"After streamEnded the server closes, and a stream that has ended answers 204."

const eventExample = "retry: 2714\n\n" +
	"id: 1767225600000000\nevent: streamStarted\ndata: {\"id\":2,\"status\":\"live\",\"start_time\":\"2026-01-01T00:00:00Z\"}\n\n"

// newHuma makes the registry of operations over the routes. Its JSON ignores
// unknown fields, and its own errors take our shape.
func newHuma(routes *router) huma.API {
	cfg := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Sluice", Version: "1", Description: overview,
				License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
			},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"applicationKey": {Type: "http", Scheme: "bearer", Description: "An application key: `sluice key create` makes one."},
				},
			},
		},
		Formats:       map[string]huma.Format{"application/json": jsonFormat(), "json": jsonFormat()},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{reshape},
	}
	cfg.AllowAdditionalPropertiesByDefault = true
	return humago.New(routes, cfg)
}

// describe finishes the OpenAPI document with what is served elsewhere under
// the same address, and renders it once.
func (a *API) describe() []byte {
	doc := a.huma.OpenAPI()
	// huma documents its own error type beside ours, which never leaves.
	delete(doc.Components.Schemas.Map(), "ErrorModel")
	delete(doc.Components.Schemas.Map(), "ErrorDetail")
	for _, m := range mediaOperations() {
		doc.AddOperation(&m)
	}
	text, err := json.Marshal(doc)
	if err != nil {
		panic(fmt.Sprintf("the OpenAPI document does not marshal: %v", err)) // a mistake in the types
	}
	return text
}

func (a *API) serveDocument(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(a.document)
}

// failureResponse documents what every operation answers when it fails.
func failureResponse(doc *huma.OpenAPI) *huma.Response {
	return &huma.Response{
		Description: "Failed. 400: the request cannot be read, or the stream's state does not allow it; 403: no valid key; " +
			"404: no such stream in this account; 413: the body is too long; 422: a field is out of range; 429: too many wrong keys; 503: try again later; 500: a fault of the server.",
		Content: map[string]*huma.MediaType{
			"application/json": {Schema: doc.Components.Schemas.Schema(reflect.TypeFor[failure](), true, "Failure")},
		},
	}
}

// eventResponses documents an event stream.
func eventResponses() map[string]*huma.Response {
	return map[string]*huma.Response{
		"200": {Description: "Events until the stream ends", Content: map[string]*huma.MediaType{
			"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}, Example: eventExample},
		}},
		"204": {Description: "The stream has ended: do not come back"},
	}
}

// initExamples documents the two forms of an offer.
func initExamples() *huma.RequestBody {
	offer := map[string]any{"type": "offer", "sdp": "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n…"}
	return &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Examples: map[string]*huma.Example{
		"wrapped": {Summary: "As the tutorial sends it", Value: map[string]any{"session_description": offer}},
		"bare":    {Summary: "A localDescription as it is", Value: offer},
	}}}}
}

// mediaOperations documents the paths that players load, which are not served
// by this package.
func mediaOperations() []huma.Operation {
	return []huma.Operation{
		mediaOperation("hls-multivariant", "master.m3u8", "HLS multivariant playlist", "application/vnd.apple.mpegurl"),
		mediaOperation("dash-mpd", "manifest.mpd", "DASH MPD", "application/dash+xml"),
		mediaOperation("init-segment", "init-stream{rendition}.mp4", "Init segment of a rendition", "video/mp4"),
		mediaOperation("segment", "chunk-stream{rendition}-{number}.m4s", "Segment of a rendition", "video/mp4"),
	}
}

func mediaOperation(id, file, summary, contentType string) huma.Operation {
	op := huma.Operation{
		OperationID: id, Method: http.MethodGet, Path: "/streams/{id}/" + file,
		Summary: summary, Tags: []string{tagPlayback},
		Description: "For players, of any origin. {id} is the numeric id.",
		Responses: map[string]*huma.Response{
			"200": {Description: "OK", Content: map[string]*huma.MediaType{
				contentType: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
			}},
			"404": {Description: "There never was such a thing"},
			"410": {Description: "It has left the window"},
		},
	}
	for _, name := range []string{"id", "rendition", "number"} {
		if !strings.Contains(op.Path, "{"+name+"}") {
			continue
		}
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString},
		})
	}
	return op
}
