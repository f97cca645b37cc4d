package api

import (
	"slices"

	"github.com/sluicelive/sluice/internal/eventkey"
)

// access is what a route needs of who calls it: a scope, or the word public. The
// zero access is neither, and opens nothing.
type access string

const (
	public access = "public" // for anybody

	streamsRead    access = "streams:read"    // the account's streams
	streamsWrite   access = "streams:write"   // make, change and delete them
	streamsPublish access = "streams:publish" // broadcast
	eventsGrant    access = "events:grant"    // make event keys
)

// scopes is every access that a credential can give.
func scopes() []access { return []access{streamsRead, streamsWrite, streamsPublish, eventsGrant} }

// principal is who sends a request. The zero principal is a stranger: it has no
// account and no scope, so that a forgotten check refuses instead of admitting.
type principal struct {
	// Owner is the account, and the public id of the credential that proved it.
	eventkey.Owner

	scopes []access
}

// may reports whether the principal may take a route.
func (p principal) may(needs access) bool {
	return needs == public || needs != "" && p.Account != 0 && slices.Contains(p.scopes, needs)
}
