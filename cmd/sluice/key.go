package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/eventkey"
	"github.com/sluicelive/sluice/internal/sqldb"
)

// dataFlags say where the server keeps what it must not lose.
type dataFlags struct {
	Data string `help:"Folder for the database, keys and certificates." default:"./data" type:"path" env:"SLUICE_DATA"`
}

// eventKeyFile is where the secret is that event keys are signed with.
func (f dataFlags) eventKeyFile() string { return filepath.Join(f.Data, "event.key") }

// database is where the store is.
func (f dataFlags) database() string { return filepath.Join(f.Data, "sluice.db") }

// openExisting opens the store that a server made. Tools make none and change
// none: a wrong folder would else look like a server that lost everything.
func (f dataFlags) openExisting(ctx context.Context) (*sqldb.DB, error) {
	return sqldb.OpenExisting(ctx, f.database())
}

// open makes the folder if it is missing and opens the store in it, for the
// server.
func (f dataFlags) open(ctx context.Context, log *slog.Logger) (*sqldb.DB, error) {
	if err := os.MkdirAll(f.Data, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w; give another with --data", err)
	}
	return sqldb.Open(ctx, f.database(), log)
}

// shut closes c at the end of a command; a failure is only worth a line.
func shut(log *slog.Logger, what string, c io.Closer) {
	if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		log.Warn("not closed well", "what", what, "err", err)
	}
}

type keyCmd struct {
	Create keyCreateCmd `cmd:"" help:"Make a key and print it, once."`
	List   keyListCmd   `cmd:"" help:"List all keys, without their secrets."`
	Revoke keyRevokeCmd `cmd:"" help:"End a key at once, and the event streams that were opened by it."`

	RotateEvents keyRotateEventsCmd `cmd:"" help:"Make a new secret for event keys. Keys of the one before stay good; twice in a row ends all there are."`
}

type keyCreateCmd struct {
	dataFlags `embed:""`

	Name    string `help:"What the key is for." default:"key"`
	Account string `help:"Account that the key belongs to; made when there is none of this name." default:"default"`
}

// Run makes a key.
func (c keyCreateCmd) Run(ctx context.Context, log *slog.Logger, out terminal) error {
	db, err := c.openExisting(ctx)
	if err != nil {
		return err
	}
	defer shut(log, "database", db)
	account, err := accountNamed(ctx, db, c.Account, time.Now())
	if err != nil {
		return err
	}
	key, text := sluice.NewKey(account, c.Name, time.Now())
	if err := db.CreateKey(ctx, account, key); err != nil {
		return err
	}
	out.printf("%s\n", text)
	return nil
}

// accountNamed finds an account by name, or makes it.
func accountNamed(ctx context.Context, store sluice.AccountStore, name string, now time.Time) (sluice.AccountID, error) {
	accounts, err := store.Accounts(ctx)
	if err != nil {
		return 0, err
	}
	for _, a := range accounts {
		if a.Name == name {
			return a.ID, nil
		}
	}
	a := sluice.Account{Name: name, CreatedAt: now}
	err = store.CreateAccount(ctx, &a)
	return a.ID, err
}

type keyListCmd struct {
	dataFlags `embed:""`
}

// Run lists the keys of all accounts.
func (c keyListCmd) Run(ctx context.Context, log *slog.Logger, out terminal) error {
	db, err := c.openExisting(ctx)
	if err != nil {
		return err
	}
	defer shut(log, "database", db)
	accounts, err := db.Accounts(ctx)
	if err != nil {
		return err
	}
	names := map[sluice.AccountID]string{}
	for _, a := range accounts {
		names[a.ID] = a.Name
	}
	keys, err := db.AllKeys(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "ID\tNAME\tACCOUNT\tKEY\tCREATED\tLAST USED\tREVOKED")
	for _, k := range keys {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Name, names[k.AccountID], k.Hint,
			k.CreatedAt.Format(time.DateTime), when(k.LastUsedAt), when(k.RevokedAt))
	}
	return table.Flush()
}

func when(t *time.Time) string {
	if t == nil {
		return "–"
	}
	return t.Format(time.DateTime)
}

type keyRevokeCmd struct {
	dataFlags `embed:""`

	ID string `arg:"" help:"Id of the key, as the list shows it."`
}

// Run revokes a key.
func (c keyRevokeCmd) Run(ctx context.Context, log *slog.Logger, out terminal) error {
	db, err := c.openExisting(ctx)
	if err != nil {
		return err
	}
	defer shut(log, "database", db)
	key, err := db.AnyKey(ctx, c.ID)
	if errors.Is(err, sluice.ErrKeyNotFound) {
		return fmt.Errorf("no key has the id %q; `sluice key list` shows them", c.ID)
	}
	if err != nil {
		return err
	}
	if err := db.RevokeKey(ctx, key.AccountID, key.ID, time.Now()); err != nil {
		return err
	}
	out.printf("key %s (%s) is revoked\n", key.ID, key.Name)
	return nil
}

type keyRotateEventsCmd struct {
	dataFlags `embed:""`
}

// Run makes a new secret for event keys. A server that runs takes it up.
func (c keyRotateEventsCmd) Run(out terminal) error {
	err := eventkey.Rotate(c.eventKeyFile())
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no %s; name the server's data folder with --data, or start the server once: it makes one", c.eventKeyFile())
	}
	if err != nil {
		return err
	}
	out.printf("event keys are signed with a new secret; those signed with the one before stay good until they expire\n")
	return nil
}
