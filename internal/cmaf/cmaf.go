// Package cmaf turns what the encoder writes into CMAF: it cuts the samples of
// each track into chunks and segments on the stream clock, and keeps the newest
// of them as immutable snapshots that manifests and delivery read.
package cmaf
