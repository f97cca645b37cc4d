package api

import (
	"sync"
	"time"

	"github.com/sluicelive/sluice"
)

// creations bounds how many streams each account creates a minute. It forgets
// accounts that have not created any for so long.
type creations struct {
	most int // a minute; without a bound when 0

	mu       sync.Mutex
	accounts map[sluice.AccountID]minute
}

// minute is what an account created since it began.
type minute struct {
	began time.Time
	count int
}

// take counts one more, or says when there is room again.
func (c *creations) take(account sluice.AccountID, now time.Time) error {
	if c.most == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.accounts[account]
	if now.Sub(m.began) >= time.Minute {
		c.forget(now)
		m = minute{began: now}
	}
	if m.count >= c.most {
		return sluice.Errorf(sluice.KindTooMany, "too_many_creations",
			"this account has created %d streams within a minute, which is the most; wait, use a stream again, or raise --max-creations", m.count).
			After(m.began.Add(time.Minute).Sub(now))
	}
	m.count++
	if c.accounts == nil {
		c.accounts = map[sluice.AccountID]minute{}
	}
	c.accounts[account] = m
	return nil
}

// forget drops the minutes that are over.
func (c *creations) forget(now time.Time) {
	for account, m := range c.accounts {
		if now.Sub(m.began) >= time.Minute {
			delete(c.accounts, account)
		}
	}
}
