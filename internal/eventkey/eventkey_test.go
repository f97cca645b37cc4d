package eventkey

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
)

const (
	account = sluice.AccountID(3)
	stream  = sluice.StreamID(2)
)

var (
	now        = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) //nolint:gochecknoglobals // the instant of all tests here
	owner      = Owner{Account: account, Key: "abcdefgh"}    //nolint:gochecknoglobals // who asks for them
	testSecret = []byte(strings.Repeat("k", secretLength))   //nolint:gochecknoglobals // and their key
)

func TestKeysOpen(t *testing.T) {
	k := New(testSecret)
	forStream, err := k.ForStream(owner, stream, now, time.Hour)
	require.NoError(t, err)
	forAccount, err := k.ForAccount(owner, now, time.Minute)
	require.NoError(t, err)
	require.Regexp(t, `^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$`, forStream, "it stands in an address")

	expires, err := k.Verify(forStream, account, stream, now)
	require.NoError(t, err)
	require.True(t, now.Add(time.Hour).Equal(expires))
	_, err = k.Verify(forAccount, account, 77, now)
	require.NoError(t, err, "every stream of the account")

	whose, err := k.Owner(forStream, now)
	require.NoError(t, err)
	require.Equal(t, owner, whose)
	_, err = k.Verify(forAccount, 0, 77, now)
	require.ErrorIs(t, err, ErrInvalid, "the zero account has nothing")
	for _, missing := range []Owner{{}, {Account: account}, {Key: "abcdefgh"}} {
		_, err = k.ForStream(missing, stream, now, time.Hour)
		require.Error(t, err, "%+v", missing)
	}

	again, err := k.ForStream(owner, stream, now, time.Hour)
	require.NoError(t, err)
	require.NotEqual(t, forStream, again, "each has an id of its own")
}

func TestExpiryBounds(t *testing.T) {
	k := New(testSecret)
	for expiry, good := range map[time.Duration]bool{
		-time.Second: false, 0: false, MinExpiry - 1: false, MinExpiry: true,
		DefaultExpiry: true, MaxExpiry: true, MaxExpiry + 1: false,
	} {
		_, err := k.ForStream(owner, stream, now, expiry)
		require.Equal(t, good, err == nil, expiry)
	}
}

func TestOperatorsBound(t *testing.T) {
	k := New(testSecret)
	require.Equal(t, time.Hour, k.Default())
	k.Longest = time.Minute
	require.Equal(t, time.Minute, k.Default())
	_, err := k.ForStream(owner, stream, now, time.Minute)
	require.NoError(t, err)
	_, err = k.ForAccount(owner, now, time.Minute+time.Second)
	require.Equal(t, "expiry_seconds_invalid", sluice.AsError(err).Code)
}

// forge makes a token that is good but for what change does to it.
func forge(t *testing.T, key any, change func(header map[string]any, claims jwt.MapClaims) jwt.SigningMethod) string {
	t.Helper()
	claims := jwt.MapClaims{
		"iss": issuer, "sub": subject(account), "aud": streamAudience(stream), "jti": "j",
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "azp": owner.Key,
	}
	header := map[string]any{"typ": tokenType, "kid": newSecret(testSecret).id}
	method := change(header, claims)
	token := jwt.NewWithClaims(method, claims)
	token.Header["typ"], token.Header["kid"] = header["typ"], header["kid"]
	if alg, ok := header["alg"]; ok {
		token.Header["alg"] = alg
	}
	text, err := token.SignedString(key)
	require.NoError(t, err)
	return text
}

// F22 and F23: what is wrong with a token, one thing at a time.
func TestVerifyRefuses(t *testing.T) {
	with := func(claim string, value any) string {
		return forge(t, testSecret, func(_ map[string]any, c jwt.MapClaims) jwt.SigningMethod {
			if c[claim] = value; value == nil {
				delete(c, claim)
			}
			return jwt.SigningMethodHS256
		})
	}
	signed := func(key any, method jwt.SigningMethod) string {
		return forge(t, key, func(map[string]any, jwt.MapClaims) jwt.SigningMethod { return method })
	}
	header := func(name string, value any) string {
		return forge(t, testSecret, func(h map[string]any, _ jwt.MapClaims) jwt.SigningMethod {
			h[name] = value
			return jwt.SigningMethodHS256
		})
	}
	good := signed(testSecret, jwt.SigningMethodHS256)
	parts := strings.Split(good, ".")
	tests := map[string]string{
		"good":                     good,
		"issued within leeway":     with("iat", now.Add(59*time.Second).Unix()),
		"valid from within leeway": with("nbf", now.Add(59*time.Second).Unix()),
		"last second":              with("exp", now.Add(time.Second).Unix()),

		"expired":                 with("exp", now.Add(-time.Hour).Unix()),
		"expires now":             with("exp", now.Unix()),
		"expired within leeway":   with("exp", now.Add(-time.Second).Unix()),
		"never expires":           with("exp", nil),
		"exp no number":           with("exp", "later"),
		"not yet valid":           with("nbf", now.Add(61*time.Second).Unix()),
		"issued in the future":    with("iat", now.Add(61*time.Second).Unix()),
		"alg none":                signed(jwt.UnsafeAllowNoneSignatureType, jwt.SigningMethodNone),
		"alg HS512":               signed(testSecret, jwt.SigningMethodHS512),
		"alg HS384":               signed(testSecret, jwt.SigningMethodHS384),
		"alg in lower case":       header("alg", "hs256"),
		"typ JWT":                 header("typ", "JWT"),
		"no typ":                  header("typ", nil),
		"no kid":                  header("kid", nil),
		"kid of another":          header("kid", "0123456789ab"),
		"kid no text":             header("kid", 1),
		"empty kid":               header("kid", ""),
		"no application key":      with("azp", nil),
		"empty application key":   with("azp", ""),
		"application key no text": with("azp", 1),
		"other issuer":            with("iss", "other"),
		"no issuer":               with("iss", nil),
		"other account":           with("sub", subject(4)),
		"no account":              with("sub", nil),
		"other stream":            with("aud", streamAudience(22)),
		"other account's streams": with("aud", accountAudience(4)),
		"other purpose":           with("aud", "playback:2"),
		"no audience":             with("aud", nil),
		"other key":               signed([]byte(strings.Repeat("x", secretLength)), jwt.SigningMethodHS256),
		"empty":                   "",
		"an application key":      "sluice_abc_def",
		"no signature":            parts[0] + "." + parts[1] + ".",
		"two parts":               parts[0] + "." + parts[1],
		"truncated":               good[:len(good)-1],
		"padded":                  good + "=",
		"signature of another":    parts[0] + "." + parts[1] + "." + strings.Split(with("jti", "x"), ".")[2],
		"too long":                good + strings.Repeat("A", maxLength),
	}
	accepted := map[string]bool{"good": true, "issued within leeway": true, "valid from within leeway": true, "last second": true}
	for name, token := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := New(testSecret).Verify(token, account, stream, now)
			if accepted[name] {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, ErrInvalid)
			require.Equal(t, ErrInvalid.Message, sluice.AsError(err).Message, "the answer says nothing of the cause")
		})
	}
}

// FuzzVerify checks that nothing but a token of ours is accepted.
func FuzzVerify(f *testing.F) {
	k := New(testSecret)
	good, err := k.ForStream(owner, stream, now, time.Hour)
	require.NoError(f, err)
	f.Add(good)
	f.Add("..")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add(strings.Repeat(".", 5000))
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := k.Verify(text, account, stream, now); err != nil {
			return
		}
		header, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[0])
		require.NoError(t, err)
		var h struct{ Alg, Typ string }
		require.NoError(t, json.Unmarshal(header, &h))
		require.Equal(t, "HS256", h.Alg)
		require.Equal(t, tokenType, h.Typ)
	})
}
