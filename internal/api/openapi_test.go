package api

import (
	"encoding/json"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// document is the OpenAPI document, parsed.
func document(t *testing.T) map[string]any {
	t.Helper()
	a := New(Config{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(a.Close)
	var doc map[string]any
	require.NoError(t, json.Unmarshal(a.document, &doc))
	return doc
}

// The document is whole: every reference leads somewhere, every operation says
// what it does and what it answers.
func TestDocumentIsWhole(t *testing.T) {
	doc := document(t)
	require.Equal(t, "3.1.0", doc["openapi"])
	schemas := at[map[string]any](t, doc, "components", "schemas")
	require.NotContains(t, schemas, "ErrorModel")

	text, err := json.Marshal(doc)
	require.NoError(t, err)
	for _, ref := range regexp.MustCompile(`"#/components/schemas/([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
		require.Contains(t, schemas, ref[1])
	}
	ids := map[string]bool{}
	for path := range at[map[string]any](t, doc, "paths") {
		for method := range at[map[string]any](t, doc, "paths", path) {
			op := at[map[string]any](t, doc, "paths", path, method)
			require.NotEmpty(t, op["summary"], path)
			require.NotEmpty(t, op["description"], path)
			require.NotEmpty(t, op["tags"], path)
			require.NotContains(t, ids, op["operationId"])
			ids[at[string](t, op, "operationId")] = true
			require.Contains(t, at[map[string]any](t, op, "responses"), "200", path)
			if strings.HasPrefix(path, "/v1/") {
				require.Contains(t, at[map[string]any](t, op, "responses"), "default", path)
			}
		}
	}
}

// The stream object of the document has the fields of the contract.
func TestDocumentedStream(t *testing.T) {
	properties := at[map[string]any](t, document(t), "components", "schemas", "Stream", "properties")
	golden, err := os.ReadFile("testdata/stream_live.json")
	require.NoError(t, err)
	var sample map[string]any
	require.NoError(t, json.Unmarshal(golden, &sample))
	for field := range sample {
		require.Contains(t, properties, field)
	}
	require.Len(t, properties, len(sample))
}

// at walks down a parsed document.
func at[T any](t *testing.T, doc any, path ...string) T {
	t.Helper()
	for _, name := range path {
		object, ok := doc.(map[string]any)
		require.True(t, ok, path)
		require.Contains(t, object, name)
		doc = object[name]
	}
	value, ok := doc.(T)
	require.True(t, ok, path)
	return value
}
