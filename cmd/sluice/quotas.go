package main

import "errors"

// quotaFlags bound what one account can make the server hold. 0 lifts a bound.
type quotaFlags struct {
	MaxPrepared  int `help:"Most streams of an account that are prepared and not live; 0 for no bound." default:"20" env:"SLUICE_MAX_PREPARED"`
	MaxStreams   int `help:"Most streams of an account in memory: prepared, live, or ended within the window of --dvr; 0 for no bound." default:"200" env:"SLUICE_MAX_STREAMS"`
	MaxCreations int `help:"Most streams that an account creates a minute; 0 for no bound." default:"300" env:"SLUICE_MAX_CREATIONS"`
}

// Validate checks what flags alone can tell.
func (f quotaFlags) Validate() error {
	if f.MaxPrepared < 0 || f.MaxStreams < 0 || f.MaxCreations < 0 {
		return errors.New("--max-prepared, --max-streams and --max-creations are no less than 0, which means no bound")
	}
	return nil
}
