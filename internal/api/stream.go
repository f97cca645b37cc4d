package api

import (
	"fmt"
	"time"

	"github.com/sluicelive/sluice"
)

// stream is the stream object of the API. Times are RFC 3339 in UTC, or null.
type stream struct {
	ID          sluice.StreamID `json:"id" example:"2"`
	PlaybackID  string          `json:"playback_id" example:"pb_4e1243bd22c66e76c2ba9eddc1f91394" doc:"A random id for links that cannot be guessed: it stands wherever id does in addresses of this API, and in /watch/{id}"`
	Name        string          `json:"name" example:"my first stream"`
	Slug        string          `json:"slug" example:"my-first-stream" doc:"As it was sent; several streams may have the same, and it then means the account's newest"`
	Description string          `json:"description" example:""`

	StartTime *time.Time `json:"start_time" doc:"When it went live"`
	EndTime   *time.Time `json:"end_time" doc:"When it ended; null while it is live"`

	HLSURL           string `json:"hls_url" example:"https://example.com/streams/2/master.m3u8" doc:"The HLS multivariant playlist; empty until started, stays after the end"`
	DASHURL          string `json:"dash_url" example:"https://example.com/streams/2/manifest.mpd" doc:"The DASH MPD; empty until started, stays after the end"`
	HLSManifestPath  string `json:"hls_manifest_path" doc:"The same as hls_url, for clients of 2022"`
	DASHManifestPath string `json:"dash_manifest_path" doc:"The same as dash_url, for clients of 2022"`

	BillingStart *time.Time `json:"billing_start" doc:"The same as prepared_at"`
	BillingEnd   *time.Time `json:"billing_end" doc:"The same as end_time"`
	PreparedAt   *time.Time `json:"prepared_at"`

	CreatedBy sluice.AccountID  `json:"created_by" example:"3" doc:"The account"`
	CreatedAt time.Time         `json:"created_at"`
	UpdatedBy *sluice.AccountID `json:"updated_by"`
	UpdatedAt time.Time         `json:"updated_at"`

	Quality     string  `json:"quality" enum:"360,480,720,1080" example:"720" doc:"The height of the top rendition"`
	Status      string  `json:"status" enum:"created,prepared,live,reconnecting,ended,error" example:"live"`
	IsLive      bool    `json:"is_live" doc:"Whether viewers can watch now"`
	ViewerCount int     `json:"viewer_count" example:"0" doc:"How many watch now"`
	EndCause    *string `json:"end_cause" enum:"requested,publisher_gone,never_started,shutdown,recovered,failed" doc:"Why it ended"`
	Error       *string `json:"error" doc:"What failed, when the status is error"`
}

// newStream renders a stream for the API.
func (a *API) newStream(s *sluice.Stream, base string) stream {
	b := s.Broadcast
	out := stream{
		ID: s.ID, PlaybackID: s.PlaybackID, Name: s.Name, Slug: s.Slug, Description: s.Description,
		StartTime: utc(b.StartedAt), EndTime: utc(b.EndedAt),
		BillingStart: utc(b.PreparedAt), BillingEnd: utc(b.EndedAt), PreparedAt: utc(b.PreparedAt),
		CreatedBy: s.AccountID, CreatedAt: s.CreatedAt.UTC(), UpdatedAt: s.UpdatedAt.UTC(),
		Quality: string(s.Quality), Status: string(s.Status()), IsLive: s.IsLive(),
		ViewerCount: a.Viewers(s.ID),
		EndCause:    orNull(string(b.EndCause)), Error: orNull(b.Failure),
	}
	if b.StartedAt != nil {
		m := manifestsOf(s.ID, base)
		out.HLSURL, out.DASHURL = m.HLS, m.DASH
		out.HLSManifestPath, out.DASHManifestPath = m.HLS, m.DASH
	}
	return out
}

// manifests are where a stream is watched.
type manifests struct {
	DASH string `json:"dash" example:"https://example.com/streams/2/manifest.mpd" doc:"The DASH MPD"`
	HLS  string `json:"hls" example:"https://example.com/streams/2/master.m3u8" doc:"The HLS multivariant playlist"`
}

// manifestsOf builds the addresses. Players read the numeric id out of the last
// part of the path but one.
func manifestsOf(id sluice.StreamID, base string) manifests {
	return manifests{
		DASH: fmt.Sprintf("%s/streams/%d/manifest.mpd", base, id),
		HLS:  fmt.Sprintf("%s/streams/%d/master.m3u8", base, id),
	}
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
