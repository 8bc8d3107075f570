package event

import (
	"crypto/sha256"
	"encoding/base64"

	"rapport/shared/wire"
)

// digest hashes what the sender said, without what changes from one try to the
// next: the sending time, the proof and the SDK's own notes. It does not depend
// on who vouched for the ids or on the strategy.
func digest(e *Event, p parts) string {
	content := wire.Object{"type": string(e.Type), "event": e.Name}
	for _, name := range []string{"userId", "anonymousId", "previousId", "groupId"} {
		if id, _ := text(p.top, name); id != "" {
			content[name] = id
		}
	}
	for name, o := range map[string]wire.Object{"properties": p.properties, "traits": p.traits, "context": p.context} {
		if len(o) > 0 {
			content[name] = o
		}
	}
	if e.OriginalTimestamp != nil {
		content["timestamp"] = e.OriginalTimestamp.UnixMilli()
	}
	sum := sha256.Sum256(wire.Canonical(content))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
