package sluice

import "time"

// AccountID names an account. Store methods take one, so that a query that
// forgets whose row it reads does not compile. The zero AccountID names no
// account and grants nothing: a request without a key has it. Reads over
// all accounts have methods of their own, which take none.
type AccountID int64

// Account owns application keys and streams.
type Account struct {
	ID        AccountID
	Name      string
	CreatedAt time.Time
}
