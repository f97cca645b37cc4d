package webrtc

import (
	"crypto/rand"
	"fmt"
	"slices"

	"github.com/pion/sdp/v3"

	"github.com/sluicelive/sluice"
)

// maxCredential bounds the username fragment and the password of an offer
// (RFC 8839, section 5.4).
const maxCredential = 256

// credentials are what one end of a session signs its connectivity checks with.
type credentials struct{ ufrag, pwd string }

// newCredentials are ours for one session.
func newCredentials() credentials {
	return credentials{ufrag: rand.Text()[:16], pwd: rand.Text()}
}

// limitICE refuses what ICE does not allow and drops the offer's candidates.
// We answer checks and begin none, so an address that an offer names is of no
// use to us. An offer that also leaves the checks to its peer never connects.
func (o *offer) limitICE() error {
	if _, lite := o.desc.Attribute("ice-lite"); lite {
		return sluice.Errorf(sluice.KindInvalid, "ice_lite_unsupported",
			"the offer says a=ice-lite, and so does this server: one end must make the connectivity checks; publish with full ICE")
	}
	for _, attributes := range o.attributes() {
		for _, a := range *attributes {
			if (a.Key == "ice-ufrag" || a.Key == "ice-pwd") && len(a.Value) > maxCredential {
				return offerInvalid(fmt.Errorf("%s of %d characters", a.Key, len(a.Value)))
			}
		}
		*attributes = slices.DeleteFunc(*attributes, func(a sdp.Attribute) bool {
			return a.Key == "candidate" || a.Key == "end-of-candidates"
		})
	}
	return nil
}

// attributes are those of the session and of each section that is negotiated.
func (o *offer) attributes() []*[]sdp.Attribute {
	list := make([]*[]sdp.Attribute, 0, 1+len(o.desc.MediaDescriptions))
	list = append(list, &o.desc.Attributes)
	for _, m := range o.desc.MediaDescriptions {
		list = append(list, &m.Attributes)
	}
	return list
}

// credentials are those of the publisher's transport: of its section, or of
// the session (RFC 8839, section 5.4).
func (o *offer) credentials() credentials {
	section, _ := o.transport()
	find := func(key string) string {
		if section.media != nil {
			if value, ok := section.media.Attribute(key); ok {
				return value
			}
		}
		value, _ := o.desc.Attribute(key)
		return value
	}
	return credentials{ufrag: find("ice-ufrag"), pwd: find("ice-pwd")}
}
