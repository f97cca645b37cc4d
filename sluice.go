// Package sluice says what the product is: streams, their broadcasts, the
// stream clock, ladders, application keys, events, and the store that keeps
// them. It holds rules and contracts, imports nothing but the standard library,
// and knows neither HTTP nor SQL nor WebRTC; those live under internal/.
package sluice
