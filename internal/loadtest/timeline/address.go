package timeline

import (
	"net/url"
	"strconv"
	"strings"
)

// location is where addresses are relative to (section 5.6), and how much
// earlier than otherwise they can be had there.
type location struct {
	url   *url.URL
	early float64 // seconds
}

// join goes one level down. Of several addresses the first is taken.
func (l location) join(bases []baseURL) location {
	if len(bases) == 0 {
		return l
	}
	if u, err := l.url.Parse(strings.TrimSpace(bases[0].Value)); err == nil {
		l.url = u
	}
	l.early += float64(bases[0].Early)
	return l
}

// addresses makes the addresses of a representation.
type addresses struct {
	base      *url.URL
	template  string
	id        string
	bandwidth uint32
}

func (a addresses) with(template string) addresses {
	a.template = template
	return a
}

// longestWidth is more digits than any number has.
const longestWidth = 20

// segment fills a template in (section 5.3.9.4.4). What is no identifier stays
// as it is.
func (a addresses) segment(number, ticks uint64) string {
	var out strings.Builder
	rest := a.template
	for {
		before, after, found := strings.Cut(rest, "$")
		out.WriteString(before)
		if !found {
			break
		}
		identifier, behind, closed := strings.Cut(after, "$")
		if !closed {
			out.WriteString("$" + after)
			break
		}
		out.WriteString(a.fill(identifier, number, ticks))
		rest = behind
	}
	u, err := a.base.Parse(out.String())
	if err != nil {
		return out.String()
	}
	return u.String()
}

func (a addresses) fill(identifier string, number, ticks uint64) string {
	name, format, _ := strings.Cut(identifier, "%")
	switch name {
	case "":
		return "$"
	case "RepresentationID":
		return a.id
	case "Number":
		return padded(number, format)
	case "Time":
		return padded(ticks, format)
	case "Bandwidth":
		return padded(uint64(a.bandwidth), format)
	default:
		return "$" + identifier + "$"
	}
}

// padded writes a number to a format of C, as in 05d.
func padded(n uint64, format string) string {
	digits := strconv.FormatUint(n, 10)
	width, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(format, "0"), "d"))
	if err != nil || width <= len(digits) || width > longestWidth {
		return digits
	}
	return strings.Repeat("0", width-len(digits)) + digits
}
