package live

import (
	"time"

	"github.com/sluicelive/sluice"
)

// When an account that has used up its share may try again: prepared streams
// start or end within minutes, windows of memory within one.
const (
	preparedRetry = 10 * time.Second
	windowRetry   = 30 * time.Second
)

// admit says whether account may have one more stream in memory, which begins
// as a prepared one. s.mu is held.
func (s *Server) admit(account sluice.AccountID) error {
	held, prepared := 0, 0
	for _, st := range s.streams {
		if st.account != account {
			continue
		}
		held++
		if !st.started.Load() {
			prepared++
		}
	}
	if most := s.cfg.MaxPrepared; most > 0 && prepared >= most {
		return sluice.Errorf(sluice.KindTooMany, "too_many_prepared",
			"this account has %d streams that are prepared and not live, which is the most; start or end some, or raise --max-prepared", prepared).After(preparedRetry)
	}
	if most := s.cfg.MaxStreams; most > 0 && held >= most {
		return sluice.Errorf(sluice.KindTooMany, "too_many_streams",
			"this account has %d streams that run or have just ended, which is the most; end some, wait until the window of the ended ones has passed, or raise --max-streams", held).After(windowRetry)
	}
	return nil
}

// checkQuota asks the same before anything is stored.
func (s *Server) checkQuota(account sluice.AccountID, id sluice.StreamID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams[id] != nil {
		return nil
	}
	return s.admit(account)
}
