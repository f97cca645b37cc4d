package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/sluicelive/sluice"
)

// bootstrapFlags bring an application key from outside.
type bootstrapFlags struct {
	BootstrapKey     string `help:"Application key that exists from the start, for automation; at least 24 characters. Other users of the machine can read a command line: use the file or the variable." placeholder:"KEY" env:"SLUICE_BOOTSTRAP_KEY"`
	BootstrapKeyFile string `help:"File that holds the bootstrap key, with or without a line end." placeholder:"FILE" type:"path" env:"SLUICE_BOOTSTRAP_KEY_FILE"`
}

// Validate checks what flags alone can tell.
func (f *bootstrapFlags) Validate() error {
	if f.BootstrapKey != "" && f.BootstrapKeyFile != "" {
		return errors.New("--bootstrap-key and --bootstrap-key-file are two ways to one key; give one")
	}
	return nil
}

// text is the bootstrap key, which is long enough; empty when none is given.
func (f *bootstrapFlags) text() (string, error) {
	text, err := f.given()
	if err != nil || text == "" {
		return "", err
	}
	if _, err := sluice.KeyFromText(0, "", text, time.Time{}); err != nil {
		return "", fmt.Errorf("the bootstrap key: %s", sluice.AsError(err).Message) // which of the keys, and not only what
	}
	return text, nil
}

func (f *bootstrapFlags) given() (string, error) {
	if f.BootstrapKeyFile == "" {
		return f.BootstrapKey, nil
	}
	content, err := os.ReadFile(f.BootstrapKeyFile)
	if err != nil {
		return "", fmt.Errorf("--bootstrap-key-file: %w; make it readable for this user", err)
	}
	text := string(bytes.TrimSpace(content))
	if text == "" {
		return "", fmt.Errorf("--bootstrap-key-file: %s is empty; write an application key into it", f.BootstrapKeyFile)
	}
	return text, nil
}

// bootstrapKey is a key from outside that may be used here: the zero bootstrapKey when
// none is given.
type bootstrapKey struct {
	text   string
	stored bool // by an earlier start
}

// findBootstrap looks a bootstrap key up, and fails when the store refuses it. It
// writes nothing: a start that fails by it leaves everything as it was.
func findBootstrap(ctx context.Context, store sluice.AccountStore, text string) (bootstrapKey, error) {
	if text == "" {
		return bootstrapKey{}, nil
	}
	switch have, err := store.AnyKey(ctx, sluice.KeyID(text)); {
	case errors.Is(err, sluice.ErrKeyNotFound):
		return bootstrapKey{text: text}, nil
	case err != nil:
		return bootstrapKey{}, err
	case !have.Accepts(text):
		return bootstrapKey{}, errors.New("the bootstrap key was revoked, or is another one under the same id; set a new one")
	}
	return bootstrapKey{text, true}, nil
}

// firstKey makes sure that there is a key: the bootstrap key when one is given,
// otherwise a new one at the very first start. Of that one it returns the text, to
// be shown, and the file that it is in, if any.
func (c *serveCmd) firstKey(ctx context.Context, store sluice.AccountStore, given bootstrapKey, out terminal) (text, file string, err error) {
	if given.stored {
		return "", "", nil
	}
	keys, err := store.AllKeys(ctx)
	if err != nil || given.text == "" && len(keys) > 0 {
		return "", "", err
	}
	account, err := accountNamed(ctx, store, "default", time.Now())
	if err != nil {
		return "", "", err
	}
	if given.text != "" {
		key, err := sluice.KeyFromText(account, "bootstrap", given.text, time.Now())
		if err != nil {
			return "", "", err
		}
		return "", "", store.CreateKey(ctx, account, key)
	}
	key, text := sluice.NewKey(account, "first", time.Now())
	// The file comes first: a key that is stored is made only once, and the store
	// keeps no text of it that could be written later.
	if file, err = c.hand(out, text); err != nil {
		return "", "", err
	}
	return text, file, store.CreateKey(ctx, account, key)
}

// hand gives the first key to the person at the terminal, and to nothing that
// only records what is printed, such as a journal: there it goes into a file.
func (c *serveCmd) hand(out terminal, key string) (where string, err error) {
	if out.isPerson() {
		return "", nil
	}
	where = filepath.Join(c.Data, "first.key")
	if err := os.Remove(where); err != nil && !errors.Is(err, fs.ErrNotExist) { // of an earlier database
		return "", errFirstKey(err)
	}
	f, err := os.OpenFile(where, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // G304: in the operator's own folder
	if err != nil {
		return "", errFirstKey(err)
	}
	_, err = f.WriteString(key + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", errFirstKey(errors.Join(err, os.Remove(where)))
	}
	return where, nil
}

func errFirstKey(err error) error {
	return fmt.Errorf("the first application key cannot be written to its file, so none was made: %w; make the data folder writable and free some space, then start again", err)
}

// isPerson reports whether what is written is read on a screen.
func (t terminal) isPerson() bool {
	f, ok := t.Writer.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// greet says where to go: the one thing a newcomer needs to read.
func (c *serveCmd) greet(out terminal, base, firstKey, keyFile string) {
	out.printf("\n  Sluice %s\n\n  Studio      %s/\n  Watch       %s/watch/{stream}\n  API         %s/docs\n", version, base, base, base)
	switch {
	case keyFile != "":
		out.printf("\n  Your first application key is in this file, for its owner only:\n\n    %s\n\n  Paste it into the studio, then delete the file. More: sluice key create\n", keyFile)
	case firstKey != "":
		out.printf("\n  Your first application key, shown only now:\n\n    %s\n\n  Paste it into the studio. More: sluice key create\n", firstKey)
	}
	out.printf("\n")
}
