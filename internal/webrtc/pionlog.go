package webrtc

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// pionLogs hands what Pion logs to our log, all of it at debug level: its
// warnings and errors are about single packets and candidates, and what ends a
// session shows in its state.
type pionLogs struct{ log *slog.Logger }

// NewLogger implements logging.LoggerFactory.
func (p *pionLogs) NewLogger(scope string) logging.LeveledLogger {
	return &pionLog{p.log.With(slog.String("scope", scope))}
}

type pionLog struct{ log *slog.Logger }

func (p *pionLog) printf(format string, args ...any) {
	if p.log.Enabled(context.Background(), slog.LevelDebug) {
		p.log.Debug(fmt.Sprintf(format, args...))
	}
}

func (p *pionLog) print(message string) { p.printf("%s", message) }

func (p *pionLog) Trace(string)                      {}
func (p *pionLog) Tracef(string, ...any)             {}
func (p *pionLog) Debug(string)                      {}
func (p *pionLog) Debugf(string, ...any)             {}
func (p *pionLog) Info(message string)               { p.print(message) }
func (p *pionLog) Infof(format string, args ...any)  { p.printf(format, args...) }
func (p *pionLog) Warn(message string)               { p.print(message) }
func (p *pionLog) Warnf(format string, args ...any)  { p.printf(format, args...) }
func (p *pionLog) Error(message string)              { p.print(message) }
func (p *pionLog) Errorf(format string, args ...any) { p.printf(format, args...) }
