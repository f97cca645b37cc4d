package playlist

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// attributes is an attribute list, yet to be read (section 4.2). Lists are short
// and read often: looking an attribute up again is cheaper than a map.
type attributes string

// get is the value of an attribute, without quotes; empty when it is not there.
func (a attributes) get(name string) string {
	for rest := string(a); rest != ""; {
		var key, value string
		var ok bool
		if key, rest, ok = strings.Cut(rest, "="); !ok {
			return ""
		}
		if quoted, isQuoted := strings.CutPrefix(rest, `"`); isQuoted {
			value, rest, _ = strings.Cut(quoted, `"`)
			rest = strings.TrimPrefix(rest, ",")
		} else {
			value, rest, _ = strings.Cut(rest, ",")
		}
		if strings.TrimSpace(key) == name {
			return value
		}
	}
	return ""
}

func (a attributes) yes(name string) bool { return a.get(name) == "YES" }

func (a attributes) seconds(name string) time.Duration { return seconds(a.get(name)) }

func (a attributes) integer(name string) int {
	n, err := strconv.ParseUint(a.get(name), 10, 31)
	if err != nil {
		return 0
	}
	return int(n)
}

// bytes is a count of bytes; 0 for what is none.
func (a attributes) bytes(name string) int64 { return count(a.get(name)) }

func count(text string) int64 {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0
	}
	return int64(n)
}

// longest is the most that a duration in a playlist may say.
const longest = 24 * time.Hour

// seconds reads a decimal number of seconds; 0 for what is none.
func seconds(text string) time.Duration {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f < 0 || f > longest.Seconds() {
		return 0
	}
	return time.Duration(math.Round(f * float64(time.Second)))
}

// byteRange reads length[@offset] (section 4.4.4.2). Without an offset the range
// begins where the one before it in the same file ended.
func byteRange(text, uri string, before Resource) Resource {
	length, offset, found := strings.Cut(text, "@")
	r := Resource{URI: uri, Length: count(length)}
	switch {
	case found:
		r.Offset = count(offset)
	case r.Length > 0 && before.URI == uri:
		r.Offset = before.Offset + before.Length
	}
	if r.Offset > math.MaxInt64-r.Length {
		return Resource{URI: uri}
	}
	return r
}
