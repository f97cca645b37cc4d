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

// pionLog implements logging.LeveledLogger.
type pionLog struct{ log *slog.Logger }

func (p *pionLog) printf(format string, args ...any) {
	if p.log.Enabled(context.Background(), slog.LevelDebug) {
		p.log.Debug("pion", slog.String("text", fmt.Sprintf(format, args...)))
	}
}

// Trace drops what is said of every packet.
func (p *pionLog) Trace(string) {}

// Tracef drops what is said of every packet.
func (p *pionLog) Tracef(string, ...any) {}

// Debug drops what is said of every packet.
func (p *pionLog) Debug(string) {}

// Debugf drops what is said of every packet.
func (p *pionLog) Debugf(string, ...any) {}

// Info logs a message.
func (p *pionLog) Info(message string) { p.printf("%s", message) }

// Infof logs a formatted message.
func (p *pionLog) Infof(format string, args ...any) { p.printf(format, args...) }

// Warn logs a message.
func (p *pionLog) Warn(message string) { p.printf("%s", message) }

// Warnf logs a formatted message.
func (p *pionLog) Warnf(format string, args ...any) { p.printf(format, args...) }

// Error logs a message.
func (p *pionLog) Error(message string) { p.printf("%s", message) }

// Errorf logs a formatted message.
func (p *pionLog) Errorf(format string, args ...any) { p.printf(format, args...) }
