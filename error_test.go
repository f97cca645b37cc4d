package sluice_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
)

func TestErrorKeepsCodeMessageAndCause(t *testing.T) {
	cause := errors.New("disk on fire")
	plain := sluice.Errorf(sluice.KindUnavailable, "store_busy", "try again in %d s", 5)
	wrapped := plain.Wrap(cause)

	require.Equal(t, "store_busy: try again in 5 s", plain.Error())
	require.Equal(t, "store_busy: try again in 5 s: disk on fire", wrapped.Error())
	require.ErrorIs(t, wrapped, cause)
	require.NoError(t, plain.Err, "wrapping copies: the error itself stays without a cause")
}

func TestErrorsAreTheSameByCode(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		same bool
	}{
		{"itself", sluice.ErrStreamNotFound, true},
		{"with a cause", sluice.ErrStreamNotFound.Wrap(errors.New("no rows")), true},
		{"with another message", sluice.Errorf(sluice.KindNotFound, "stream_not_found", "gone"), true},
		{"inside another error", fmt.Errorf("open: %w", sluice.ErrStreamNotFound), true},
		{"another code", sluice.ErrKeyNotFound, false},
		{"no code", errors.New("stream_not_found"), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.same, errors.Is(test.err, sluice.ErrStreamNotFound))
		})
	}
}

func TestAsError(t *testing.T) {
	known := sluice.ErrKeyInvalid.Wrap(errors.New("expired"))
	require.Same(t, known, sluice.AsError(fmt.Errorf("api: %w", known)))

	cause := errors.New("password of the database is hunter2")
	unknown := sluice.AsError(cause)
	require.Equal(t, sluice.KindInternal, unknown.Kind)
	require.Equal(t, "internal", unknown.Code)
	require.NotContains(t, unknown.Message, "hunter2", "the cause is for the log alone")
	require.ErrorIs(t, unknown, cause)
}

func TestZeroKindIsInternal(t *testing.T) {
	require.Equal(t, sluice.KindInternal, sluice.Error{}.Kind)
}
