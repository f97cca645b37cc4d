package httpd

import "net/netip"

// phase is where a connection is between two requests.
type phase int

const (
	silent phase = iota // it has not delivered a request yet
	active              // a request is served, or an event stream
	idle                // it waits for the next request
)

// crowd decides which connections there may be. It is pure: its owner guards it,
// and closes what it names. When an address, or the whole, is at its limit, a
// newcomer takes the place of a connection that is of no use at the moment: of
// the oldest that has not asked for anything yet, or else of the one that has
// been idle longest. So a viewer gets in next to any number of connections that
// say nothing, also from their very address.
type crowd struct {
	total, perAddress int

	held   int
	groups map[netip.Addr]*group
}

// group is the connections of one address.
type group struct {
	held   int
	exempt bool // of a trusted proxy: it carries many clients, and keeps its places
	silent line
	idle   line
}

// place is one connection in the crowd.
type place struct {
	key    netip.Addr
	phase  phase
	left   bool
	within *line // nil while active
	before *place
	behind *place
	// drop closes the connection.
	drop func()
}

// verdict is why a newcomer is refused, or had to take a place.
type verdict int

const (
	free  verdict = iota
	ofOne         // the address's share is used up
	ofAll         // the whole is used up
)

// enter makes a place for a connection of an address. It is nil when the newcomer
// is refused. victim is the connection that has to be closed for it, if any.
func (c *crowd) enter(key netip.Addr, exempt bool) (p, victim *place, why verdict) {
	g := c.groups[key]
	switch {
	case g != nil && !exempt && g.held >= c.perAddress:
		victim, why = g.dispensable(), ofOne
	case c.held >= c.total:
		victim, why = c.dispensable(), ofAll
	}
	if why != free && victim == nil {
		return nil, nil, why
	}
	if victim != nil {
		c.leave(victim)
	}
	if g = c.groups[key]; g == nil {
		g = &group{exempt: exempt}
		c.groups[key] = g
	}
	p = &place{key: key}
	g.held++
	c.held++
	g.silent.append(p)
	return p, victim, why
}

// move tells what a connection does now.
func (c *crowd) move(p *place, to phase) {
	if p.left {
		return
	}
	p.leaveLine()
	p.phase = to
	switch g := c.groups[p.key]; to {
	case silent:
		g.silent.append(p)
	case idle:
		g.idle.append(p)
	case active:
	}
}

// leave takes a connection out. A repeat changes nothing.
func (c *crowd) leave(p *place) {
	if p.left {
		return
	}
	p.left = true
	p.leaveLine()
	g := c.groups[p.key]
	g.held--
	c.held--
	if g.held == 0 {
		delete(c.groups, p.key)
	}
}

// dispensable is the connection of the group that is missed least.
func (g *group) dispensable() *place {
	if g.silent.first != nil {
		return g.silent.first
	}
	return g.idle.first
}

// dispensable is the connection that is missed least of those of the address that
// has most, among the addresses that have one of that kind.
func (c *crowd) dispensable() *place {
	var quiet, waiting *group
	for _, g := range c.groups {
		if g.exempt {
			continue
		}
		if g.silent.first != nil && (quiet == nil || g.held > quiet.held) {
			quiet = g
		}
		if g.idle.first != nil && (waiting == nil || g.held > waiting.held) {
			waiting = g
		}
	}
	switch {
	case quiet != nil:
		return quiet.silent.first
	case waiting != nil:
		return waiting.idle.first
	default:
		return nil
	}
}

// line is places in the order in which they came. Taking one out of the middle
// costs the same as out of the front, however long it is.
type line struct{ first, last *place }

func (l *line) append(p *place) {
	p.within, p.before, p.behind = l, l.last, nil
	if l.last == nil {
		l.first = p
	} else {
		l.last.behind = p
	}
	l.last = p
}

func (p *place) leaveLine() {
	l := p.within
	if l == nil {
		return
	}
	if p.before == nil {
		l.first = p.behind
	} else {
		p.before.behind = p.behind
	}
	if p.behind == nil {
		l.last = p.before
	} else {
		p.behind.before = p.before
	}
	p.within, p.before, p.behind = nil, nil, nil
}
