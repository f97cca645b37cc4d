package sqldb

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the tables up to the version this program knows. It refuses a
// database of a newer one, which it would misread.
func migrate(ctx context.Context, db *sql.DB, log *slog.Logger) error {
	folder, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("sqldb: migrations: %w", err)
	}
	provider, err := goose.NewProvider(migrationDialect, db, folder, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("sqldb: migrations: %w", err)
	}
	have, want, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("sqldb: version: %w", err)
	}
	if have > want {
		return errTooNew(have, want)
	}
	if have == want {
		return nil
	}
	if err := up(ctx, provider); err != nil {
		return err
	}
	log.InfoContext(ctx, "database migrated", "from", have, "to", want)
	return nil
}

// up applies what is pending. Another process that starts at the same moment
// may be quicker, which fails here and is no failure.
func up(ctx context.Context, provider *goose.Provider) error {
	_, err := provider.Up(ctx)
	if err == nil {
		return nil
	}
	if pending, checkErr := provider.HasPending(ctx); checkErr == nil && !pending {
		return nil
	}
	return fmt.Errorf("sqldb: migrate: %w", err)
}
