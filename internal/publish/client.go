package publish

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/sluicelive/sluice"
)

// client calls the API of a server as any client would.
type client struct {
	base string // scheme and host
	key  string
	http *http.Client
}

// maxAnswer bounds an answer of the API, in bytes.
const maxAnswer = 1 << 20

// call posts body, or gets when it is nil, and reads the answer's data into
// into.
func (c client) call(ctx context.Context, method, path string, body, into any) error {
	var sent io.Reader = http.NoBody
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		sent = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.base, "/")+"/v1"+path, sent)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Code    int             `json:"code"`
		Message string          `json:"message"`
		Data    json.RawMessage `json:"data"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&answer); err != nil {
		return fmt.Errorf("%s %s: status %d, and no answer of this API: %w", method, path, resp.StatusCode, err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", method, path, answer.Message)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(answer.Data, into); err != nil {
		return fmt.Errorf("%s %s: unexpected answer: %w", method, path, err)
	}
	return nil
}

// Stream is what the API says of a stream, as far as a publisher cares.
type Stream struct {
	ID      sluice.StreamID `json:"id"`
	Name    string          `json:"name"`
	Quality sluice.Quality  `json:"quality"`
	Status  sluice.Status   `json:"status"`
}

// description is an SDP session description in the shape browsers exchange.
type description struct {
	Type string `json:"type"`
	SDP  string `json:"sdp"`
}

// Started is where a started stream can be watched.
type Started struct {
	DASH string `json:"dash"`
	HLS  string `json:"hls"`
}
