package media

import "testing"

// Real frames are read in internal/ffmpeg, where they can be made.
func FuzzFrameSize(f *testing.F) {
	f.Add(byte(VP8), []byte("\x10\x02\x00\x9d\x01\x2a\x80\x02\x68\x01"))
	f.Add(byte(VP9), []byte("\x82\x49\x83\x42\x00\x27\xf0\x16\x70\x00\x00"))
	f.Add(byte(AV1), []byte("\x12\x00\x0a\x0b\x00\x00\x00\x04\x3c\xff\xbc\xff\xe8\x02\x08\x20\x20"))
	f.Add(byte(H264), []byte("\x00\x00\x00\x01\x67\x42\xc0\x1e\xd9\x00\xa0\x2f\xf9\x61\x00\x00\x03\x00\x01"))
	f.Add(byte(H264), []byte("\x00\x00\x01\x67\x64\x00\x28\xac\xd9\x40\x78\x02\x27\xe5\xc0\x44"))
	f.Fuzz(func(t *testing.T, codec byte, data []byte) {
		width, height, ok := FrameSize(Codec(codec), data)
		if ok && (width < 0 || height < 0) {
			t.Fatal(width, height)
		}
	})
}
