package sluice

import "time"

// AccountID names an account. Every store method takes one, so that a query
// that forgets whose row it reads does not compile.
type AccountID int64

// AnyAccount is given where a row is read whoever owns it: the public look-up
// of one stream, and recovery at start.
const AnyAccount AccountID = 0

// Account owns application keys and streams.
type Account struct {
	ID        AccountID
	Name      string
	CreatedAt time.Time
}
