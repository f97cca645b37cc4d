package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sluicelive/sluice"
)

const (
	// maxBody is the longest body that is taken in, in bytes.
	maxBody = 1 << 20
	// maxRefused is how much of a longer one is read and thrown away, so that a
	// client which is still sending gets the answer and not a reset connection.
	maxRefused = 32 << 20
)

var (
	errBodyTooLarge = sluice.Errorf(sluice.KindTooLarge, "body_too_large",
		"the body is longer than %d bytes; send less", maxBody)
	errBodyBroken = sluice.Errorf(sluice.KindMalformed, "body_incomplete",
		"the body did not arrive whole, or not in time; send it again")
)

// readBody takes the whole body in and leaves it to be read again from memory. How
// long it may take to arrive is the listener's to say.
func readBody(r *http.Request) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return errBodyBroken.Wrap(err)
	}
	if len(body) > maxBody {
		_, _ = io.CopyN(io.Discard, r.Body, maxRefused)
		return errBodyTooLarge
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json") // the one thing we read, whatever it is labeled
	return nil
}

// jsonFormat is huma's JSON with our wording of what is broken where.
func jsonFormat() huma.Format {
	return huma.Format{
		Marshal: func(w io.Writer, v any) error {
			text, err := json.Marshal(v)
			if err != nil {
				return fmt.Errorf("marshal answer: %w", err)
			}
			_, _ = w.Write(append(text, '\n')) // a client that is gone needs no answer
			return nil
		},
		Unmarshal: func(data []byte, v any) error {
			// Text from files of Windows begins with a byte order mark, which may be
			// ignored (RFC 8259, section 8.1).
			data = bytes.TrimPrefix(data, []byte("\ufeff"))
			err := json.Unmarshal(data, v)
			if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
				return fmt.Errorf("not JSON at byte %d: %w", syntax.Offset, err)
			}
			return err
		},
	}
}
