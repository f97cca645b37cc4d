package webrtc

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pion/sdp/v3"
	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
)

func readOffer(tb testing.TB, name string) string {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "offers", name+".sdp")) //nolint:gosec // of the test's own
	require.NoError(tb, err)
	return string(text)
}

// summary says of each section of an answer: kind, direction or "rejected", and
// its codecs with their payload types, in order.
func summary(tb testing.TB, answer string) (lines []string) {
	tb.Helper()
	var desc sdp.SessionDescription
	require.NoError(tb, desc.UnmarshalString(answer))
	for _, m := range desc.MediaDescriptions {
		line := m.MediaName.Media + " " + direction(m, &desc)
		if m.MediaName.Port.Value == 0 {
			lines = append(lines, m.MediaName.Media+" rejected")
			continue
		}
		maps := byPayload(m, "rtpmap")
		for _, format := range m.MediaName.Formats {
			if name, _, _ := strings.Cut(maps[format], "/"); name != "rtx" {
				line += " " + name + ":" + format
			}
		}
		lines = append(lines, line)
	}
	return lines
}

const (
	chromiumVideo = "video recvonly VP8:96 H264:102 H264:104 H264:108 H264:114 H264:116 H264:39 AV1:45 VP9:98 VP9:100"
	chromiumAudio = "audio recvonly opus:111"
)

type realOffer struct {
	name string
	want []string // summary of the answer
	rtx  int      // retransmission formats in it
}

func realOffers() []realOffer {
	return []realOffer{
		{"chromium", []string{chromiumAudio, chromiumVideo}, 10},
		{"chromium-video-first", []string{chromiumVideo, chromiumAudio}, 10},
		{"chromium-audio-only", []string{chromiumAudio}, 0},
		{"chromium-video-only", []string{chromiumVideo}, 10},
		{"chromium-data-channel", []string{chromiumAudio, chromiumVideo, "application rejected"}, 10},
		// Without declared sources, what is lost is sent again as it was.
		{"chromium-simulcast", []string{chromiumAudio, chromiumVideo}, 0},
		{"android-h264", []string{"video recvonly H264:96 H264:98"}, 2},
		{"firefox", []string{"audio recvonly opus:109", "video recvonly VP8:120 VP9:121 H264:126 H264:97"}, 4},
		{"safari", []string{chromiumAudio, "video recvonly H264:96 H264:98 H264:100 H264:102 VP8:106"}, 5},
		{"aiortc", []string{"audio recvonly opus:96", "video recvonly VP8:97 H264:99 H264:101"}, 3},
		{"whip-h264", []string{"audio recvonly opus:111", "video recvonly H264:96"}, 0},
	}
}

func TestRealOffersAreAnswered(t *testing.T) {
	s := listen(t, Config{})
	for _, tc := range realOffers() {
		t.Run(tc.name, func(t *testing.T) {
			offer := readOffer(t, tc.name)
			session, err := s.Answer(t.Context(), offer, newRecorder())
			require.NoError(t, err)
			defer session.Close()
			answer := session.SDP()
			require.Equal(t, tc.want, summary(t, answer))
			require.Equal(t, tc.rtx, strings.Count(answer, " rtx/90000"))
			requireValidAnswer(t, offer, answer)
		})
	}
}

// requireValidAnswer holds an answer to what offerers check.
func requireValidAnswer(t *testing.T, offer, answer string) {
	t.Helper()
	var o, a sdp.SessionDescription
	require.NoError(t, o.UnmarshalString(offer))
	require.NoError(t, a.UnmarshalString(answer))
	require.Len(t, a.MediaDescriptions, len(o.MediaDescriptions), "RFC 3264, section 6: as many sections as the offer")
	bundle, _ := a.Attribute("group")
	for i, m := range a.MediaDescriptions {
		require.Equal(t, o.MediaDescriptions[i].MediaName.Media, m.MediaName.Media)
		offeredMid, _ := o.MediaDescriptions[i].Attribute("mid")
		mid, _ := m.Attribute("mid")
		require.Equal(t, offeredMid, mid)
		require.NotNil(t, m.ConnectionInformation, "Firefox wants a connection line in each section")
		bundled := slices.Contains(strings.Fields(bundle), mid)
		require.Equal(t, m.MediaName.Port.Value != 0, bundled, "RFC 9143, section 7.3: a rejected section is not bundled")
		if !bundled {
			continue
		}
		seen := map[string]bool{}
		for format := range byPayload(m, "fmtp") {
			require.Contains(t, m.MediaName.Formats, format)
		}
		for _, attribute := range m.Attributes {
			if number, _, _ := strings.Cut(attribute.Value, " "); attribute.Key == "fmtp" {
				require.False(t, seen[number], "one fmtp line for a format")
				seen[number] = true
			}
		}
		for format, rtpmap := range byPayload(m, "rtpmap") {
			require.Contains(t, o.MediaDescriptions[i].MediaName.Formats, format)
			isVideoCodec := m.MediaName.Media == "video" && !strings.HasPrefix(rtpmap, "rtx")
			require.Equal(t, isVideoCodec, strings.Contains(byPayload(m, "fmtp")[format], startBitrate))
		}
	}
	require.Contains(t, answer, "a=end-of-candidates")
	require.Contains(t, answer, " udp ")
	require.Contains(t, answer, "tcptype passive")
	require.NotContains(t, answer, "simulcast")
	require.NotContains(t, answer, "a=rid")
}

func TestOpusIsNacked(t *testing.T) {
	s := listen(t, Config{})
	session, err := s.Answer(t.Context(), readOffer(t, "chromium-audio-only"), newRecorder())
	require.NoError(t, err)
	defer session.Close()
	require.Contains(t, session.SDP(), "a=rtcp-fb:111 nack\r\n")
}

func TestOffersThatAreRefused(t *testing.T) {
	chromium := readOffer(t, "chromium")
	for _, tc := range []struct {
		name, offer, code string
		kind              sluice.Kind
	}{
		{"empty", "", "offer_invalid", sluice.KindMalformed},
		{"no SDP", "hello", "offer_invalid", sluice.KindMalformed},
		{"JSON", `{"type":"offer","sdp":"v=0"}`, "offer_invalid", sluice.KindMalformed},
		{"cut short", chromium[:900] + "\r\na=ice-ufr", "offer_invalid", sluice.KindMalformed},
		{"without credentials", without(chromium, "a=ice-"), "offer_invalid", sluice.KindMalformed},
		{"without fingerprint", without(chromium, "a=fingerprint"), "offer_invalid", sluice.KindMalformed},
		{"too long", chromium + strings.Repeat("a=x:y\r\n", maxOffer/7), "offer_invalid", sluice.KindMalformed},
		{"too many sections", chromium + strings.Repeat("m=audio 9 RTP/AVP 0\r\n", maxSections), "offer_invalid", sluice.KindMalformed},
		{"no section", chromium[:strings.Index(chromium, "m=")], "offer_without_media", sluice.KindInvalid},
		{"only receives", strings.ReplaceAll(chromium, "a=sendrecv", "a=recvonly"), "offer_without_media", sluice.KindInvalid},
		{"only data", dataOnly(chromium, readOffer(t, "chromium-data-channel")), "offer_without_media", sluice.KindInvalid},
		{
			"other codecs", strings.NewReplacer("opus", "speex", "VP8", "H263", "VP9", "H265", "AV1", "theora", "H264", "dirac").Replace(chromium),
			"codec_unsupported", sluice.KindInvalid,
		},
		{"other codecs in video only", otherVideo(chromium), "codec_unsupported", sluice.KindInvalid},
		{"other codecs in audio only", strings.ReplaceAll(chromium, "opus", "speex"), "codec_unsupported", sluice.KindInvalid},
		{"two transports", without(chromium, "a=group"), "offer_not_bundled", sluice.KindInvalid},
		{"one section left out of the group", strings.Replace(chromium, "BUNDLE 0 1", "BUNDLE 0", 1), "offer_not_bundled", sluice.KindInvalid},
		{"two groups", strings.Replace(chromium, "BUNDLE 0 1", "BUNDLE 0\r\na=group:BUNDLE 1", 1), "offer_not_bundled", sluice.KindInvalid},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := listen(t, Config{})
			_, err := s.Answer(t.Context(), tc.offer, newRecorder())
			require.Error(t, err)
			got := sluice.AsError(err)
			require.Equal(t, tc.code, got.Code, got.Error())
			require.Equal(t, tc.kind, got.Kind)
			require.NotEmpty(t, got.Message)
		})
	}
}

// otherVideo offers in video what a browser with hardware encoders may be set to
// offer alone.
func otherVideo(text string) string {
	return strings.NewReplacer("VP8", "H265", "VP9", "H265", "AV1", "H265", "H264", "H265").Replace(text)
}

// TestARefusedKindIsNamed holds the message to what helps: the kind that cannot
// be taken, and what to offer instead.
func TestARefusedKindIsNamed(t *testing.T) {
	chromium := readOffer(t, "chromium")
	for kind, offer := range map[string]string{"video": otherVideo(chromium), "audio": strings.ReplaceAll(chromium, "opus", "speex")} {
		_, err := parseOffer(offer)
		require.ErrorContains(t, err, kind)
		require.ErrorContains(t, err, map[string]string{"video": "VP8", "audio": "opus/48000/2"}[kind])
	}
}

// TestTextThatWasHandledOnTheWayIsTheSameOffer reads what editors, terminals and
// form fields make of an offer.
func TestTextThatWasHandledOnTheWayIsTheSameOffer(t *testing.T) {
	s := listen(t, Config{})
	for _, o := range realOffers() {
		text := readOffer(t, o.name)
		lf := strings.ReplaceAll(text, "\r\n", "\n")
		for name, mangled := range map[string]string{
			"without the last line end":              strings.TrimSpace(text),
			"bare LF without the last":               strings.TrimSpace(lf),
			"bare LF":                                lf,
			"bare CR":                                strings.ReplaceAll(text, "\r\n", "\r"),
			"line ends doubled":                      strings.ReplaceAll(text, "\r\n", "\r\n\r\n"),
			"a byte order mark":                      "\ufeff" + text,
			"a byte order mark and no last line end": "\ufeff" + strings.TrimSpace(text),
			"blank lines and spaces before":          "\r\n \t\n" + text,
			"indented":                               "  " + strings.ReplaceAll(lf, "\n", "\n  "),
			"blank lines after":                      text + "\r\n\n  ",
			"half a last line end":                   strings.TrimSuffix(text, "\n"),
		} {
			t.Run(o.name+"/"+name, func(t *testing.T) {
				session, err := s.Answer(t.Context(), mangled, newRecorder())
				require.NoError(t, err)
				defer session.Close()
				require.Equal(t, o.want, summary(t, session.SDP()))
				requireValidAnswer(t, text, session.SDP())
			})
		}
	}
}

func TestCandidatesThatWereHandledOnTheWayAreTheSame(t *testing.T) {
	const value = "candidate:1 1 udp 2122260223 192.0.2.1 54400 typ host"
	for _, text := range []string{value, value + "\r\n", "\ufeff" + value, " a=" + value + "\n", "\ufeffa=" + value} {
		require.NoError(t, CheckCandidate(sluice.ICECandidate{Candidate: text}), "%q", text)
	}
	require.NoError(t, CheckCandidate(sluice.ICECandidate{Candidate: "\ufeff\r\n"}), "the empty one")
}

// TestOneTransportIsTakenAsItIs offers what needs no BUNDLE group.
func TestOneTransportIsTakenAsItIs(t *testing.T) {
	s := listen(t, Config{})
	chromium := readOffer(t, "chromium")
	for _, tc := range []struct {
		name, offer string
		want        []string
		group       string // of the answer
	}{
		{"video alone", without(readOffer(t, "chromium-video-only"), "a=group"), []string{chromiumVideo}, ""},
		{"audio alone", without(readOffer(t, "chromium-audio-only"), "a=group"), []string{chromiumAudio}, ""},
		{
			"the other section only receives",
			strings.Replace(without(chromium, "a=group"), "a=sendrecv", "a=recvonly", 1),
			[]string{"audio rejected", chromiumVideo},
			"",
		},
		{
			"a data channel outside the group",
			strings.Replace(readOffer(t, "chromium-data-channel"), "BUNDLE 0 1 2", "BUNDLE 0 1", 1),
			[]string{chromiumAudio, chromiumVideo, "application rejected"},
			"BUNDLE 0 1",
		},
		{
			"a group of the one that sends",
			strings.Replace(strings.Replace(chromium, "BUNDLE 0 1", "BUNDLE 1", 1), "a=sendrecv", "a=inactive", 1),
			[]string{"audio rejected", chromiumVideo},
			"BUNDLE 1",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			session, err := s.Answer(t.Context(), tc.offer, newRecorder())
			require.NoError(t, err)
			defer session.Close()
			require.Equal(t, tc.want, summary(t, session.SDP()))
			var desc sdp.SessionDescription
			require.NoError(t, desc.UnmarshalString(session.SDP()))
			group, _ := desc.Attribute("group")
			require.Equal(t, tc.group, group, "RFC 9143, section 7.3: no group where none was offered")
		})
	}
}

func without(text, prefix string) string {
	lines := slices.DeleteFunc(strings.SplitAfter(text, "\r\n"), func(l string) bool { return strings.HasPrefix(l, prefix) })
	return strings.Join(lines, "")
}

func dataOnly(chromium, data string) string {
	return chromium[:strings.Index(chromium, "m=")] + data[strings.Index(data, "m=application"):]
}

func TestASecondSectionOfAKindIsInactive(t *testing.T) {
	s := listen(t, Config{})
	offer := readOffer(t, "chromium")
	screen := strings.NewReplacer("a=mid:1", "a=mid:2", "813332560", "5", "3362732224", "6").Replace(offer[strings.Index(offer, "m=video"):])
	session, err := s.Answer(t.Context(), strings.Replace(offer, "BUNDLE 0 1", "BUNDLE 0 1 2", 1)+screen, newRecorder())
	require.NoError(t, err)
	defer session.Close()
	require.Equal(t, []string{chromiumAudio, chromiumVideo, strings.Replace(chromiumVideo, "recvonly", "inactive", 1)},
		summary(t, session.SDP()))
}

func TestPayloadsOfAnOffer(t *testing.T) {
	for _, tc := range []struct {
		name    string
		section string
		want    []payload
	}{
		{
			"case does not matter", "m=video 9 X 96\na=rtpmap:96 vp8/90000",
			[]payload{{number: 96, codec: media.VP8, mime: "video/VP8"}},
		},
		{
			"VP9 of any profile", "m=video 9 X 98 99\na=rtpmap:98 VP9/90000\na=fmtp:98 profile-id=2\na=rtpmap:99 VP9/90000\na=fmtp:99 profile-id=3",
			[]payload{{number: 98, codec: media.VP9, mime: "video/VP9", fmtp: "profile-id=2"}, {number: 99, codec: media.VP9, mime: "video/VP9", fmtp: "profile-id=3"}},
		},
		{
			"H264 without parameters has the default ones", "m=video 9 X 96\na=rtpmap:96 H264/90000",
			[]payload{{number: 96, codec: media.H264, mime: "video/H264", fmtp: "packetization-mode=0;profile-level-id=42000a"}},
		},
		{"H264 interleaved is not taken", "m=video 9 X 96\na=rtpmap:96 H264/90000\na=fmtp:96 packetization-mode=2", nil},
		{"another clock is another format", "m=video 9 X 96\na=rtpmap:96 VP8/44100", nil},
		{
			"opus is meant whatever its channels", "m=audio 9 X 96 97 98\na=rtpmap:96 opus/48000\na=rtpmap:97 OPUS/48000/1\na=rtpmap:98 opus/48000/2",
			[]payload{
				{number: 96, codec: media.Opus, mime: "audio/opus"},
				{number: 97, codec: media.Opus, mime: "audio/opus", channels: 1},
				{number: 98, codec: media.Opus, mime: "audio/opus", channels: 2},
			},
		},
		{"opus of surround sound is another format", "m=audio 9 X 96\na=rtpmap:96 opus/48000/6", nil},
		{"video formats in audio", "m=audio 9 X 96\na=rtpmap:96 VP8/90000", nil},
		{
			"retransmission of what is taken", "m=video 9 X 97 96\na=ssrc-group:FID 1 2\na=rtpmap:96 VP8/90000\na=rtpmap:97 rtx/90000\na=fmtp:97 apt=96",
			[]payload{{number: 96, codec: media.VP8, mime: "video/VP8"}, {number: 97, repairs: 96, mime: "video/rtx", fmtp: "apt=96"}},
		},
		{"retransmission of what is not", "m=video 9 X 97\na=ssrc-group:FID 1 2\na=rtpmap:97 rtx/90000\na=fmtp:97 apt=96", nil},
		{
			"a format twice", "m=video 9 X 96 96\na=rtpmap:96 VP8/90000\na=rtpmap:96 VP9/90000",
			[]payload{{number: 96, codec: media.VP8, mime: "video/VP8"}},
		},
		{"numbers out of range", "m=video 9 X 200 -1 x\na=rtpmap:200 VP8/90000", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var desc sdp.SessionDescription
			text := "v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\n" + tc.section + "\n"
			require.NoError(t, desc.UnmarshalString(strings.ReplaceAll(text, " X ", " UDP/TLS/RTP/SAVPF ")))
			m := desc.MediaDescriptions[0]
			require.Equal(t, tc.want, payloads(m, kindOf(m)))
		})
	}
}

// FuzzOffer reads any bytes as an offer, and negotiates those that are one.
func FuzzOffer(f *testing.F) {
	for _, o := range realOffers() {
		f.Add(readOffer(f, o.name))
	}
	s := listen(f, Config{Log: discard()})
	f.Fuzz(func(t *testing.T, text string) {
		session, err := s.Answer(t.Context(), text, newRecorder())
		if err != nil {
			require.NotEqual(t, "internal", sluice.AsError(err).Code, err)
			return
		}
		session.Close()
	})
}
