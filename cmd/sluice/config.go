package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/alecthomas/kong"
	kongyaml "github.com/alecthomas/kong-yaml"
	"gopkg.in/yaml.v3"
)

// configuration reads flags from YAML, those of a command under its name:
//
//	log-level: debug
//	serve:
//	  listen: ":80"
//
// A key that is no flag is an error: a misspelled one would otherwise be no
// setting at all.
func configuration(r io.Reader) (kong.Resolver, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	keys := map[string]any{}
	if err := yaml.Unmarshal(text, &keys); err != nil {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	flags, err := kongyaml.Loader(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	return strict{flags, keys}, nil
}

// strict is a resolver that refuses keys which no flag has.
type strict struct {
	kong.Resolver
	keys map[string]any
}

// Validate implements kong.Resolver.
func (s strict) Validate(app *kong.Application) error {
	return checkKeys(app.Node, s.keys, "")
}

func checkKeys(node *kong.Node, keys map[string]any, path string) error {
	var wrong []error
	for key, value := range keys {
		section, isSection := value.(map[string]any)
		child := childNamed(node, key)
		switch {
		case child != nil && isSection:
			wrong = append(wrong, checkKeys(child, section, path+key+"."))
		case !hasFlag(node, key):
			wrong = append(wrong, fmt.Errorf("configuration file: %s%s is no setting; `sluice %s--help` lists the flags, whose names are the settings",
				path, key, commandOf(node)))
		}
	}
	return errors.Join(wrong...)
}

func childNamed(node *kong.Node, name string) *kong.Node {
	for _, c := range node.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

func hasFlag(node *kong.Node, name string) bool {
	for _, f := range node.Flags {
		if f.Name == name {
			return true
		}
	}
	return false
}

// commandOf is the command of a node as typed, with a space behind it; nothing
// for the program itself.
func commandOf(node *kong.Node) string {
	if node.Type == kong.ApplicationNode {
		return ""
	}
	return node.Name + " "
}
