package main

import (
	"context"
	"log/slog"

	"github.com/sluicelive/sluice"
)

type backupCmd struct {
	dataFlags `embed:""`

	File string `arg:"" help:"File to make. It must not be there yet." type:"path"`
}

// Run copies the database as it is now, also while the server runs.
func (c backupCmd) Run(ctx context.Context, log *slog.Logger, out terminal) error {
	db, err := c.openExisting(ctx)
	if err != nil {
		return err
	}
	defer shut(log, "database", db)
	if err := db.Backup(ctx, c.File); err != nil {
		return err
	}
	accounts, err := db.Accounts(ctx)
	if err != nil {
		return err
	}
	keys, err := db.AllKeys(ctx)
	if err != nil {
		return err
	}
	streams := 0
	for _, a := range accounts {
		_, n, err := db.Streams(ctx, a.ID, sluice.StreamFilter{Limit: 1})
		if err != nil {
			return err
		}
		streams += n
	}
	out.printf("%s holds %d accounts, %d keys and %d streams. To restore it, stop the server and put it in place of sluice.db; docs/backup.md says how.\n",
		c.File, len(accounts), len(keys), streams)
	return nil
}
