package collect

import (
	"net/http"
	"net/url"
	"time"

	"rapport/shared/access"
	"rapport/shared/fault"
	"rapport/shared/httpapi"
)

// Browser SDKs ask for their settings before they send anything. The answers
// say the least that makes them send every event to the address that they asked,
// so that whoever moves to Rapport changes one URL.

// The paths of settings. The one below a key answers settings without a key:
// the SDK then sends plain requests, which need no preflight.
const (
	segmentSettings  = "/v1/projects/{" + httpapi.PathKey + "}/settings"
	plainSettings    = "/k/{" + httpapi.PathKey + "}/v1/projects/{project}/settings"
	rudderSettings   = "/sourceConfig/{$}"
	settingsLifetime = "max-age=300" // seconds
)

type object = map[string]any

func (d Deps) settings(mux *http.ServeMux) {
	mux.HandleFunc("GET "+segmentSettings, d.answerWith("public", func(r *http.Request, key string) (object, error) {
		return segment(r, object{"apiKey": key, "apiHost": r.Host + "/v1"}), nil
	}))
	mux.HandleFunc("GET "+plainSettings, d.answerWith("public", func(r *http.Request, key string) (object, error) {
		if r.PathValue("project") != key {
			return nil, fault.New(fault.NotFound, "no_project", "give the SDK the write key that stands in the path")
		}
		return segment(r, object{"apiHost": r.Host + "/k/" + url.PathEscape(key) + "/v1"}), nil
	}))
	mux.HandleFunc("GET "+rudderSettings, d.answerWith("private", func(_ *http.Request, key string) (object, error) {
		return rudder(key, d.Now()), nil
	}))
}

// answerWith answers what settings says to the holder of a write key. Whether
// others may keep the answer is private where the URL does not carry the key.
func (d Deps) answerWith(keep string, settings func(r *http.Request, key string) (object, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key, err := d.writeKey(r)
		if err != nil {
			httpapi.Error(w, err)
			return
		}
		answer, err := settings(r, key)
		if err != nil {
			httpapi.Error(w, err)
			return
		}
		w.Header().Set("Cache-Control", keep+", "+settingsLifetime)
		httpapi.Encode(w, http.StatusOK, answer)
	}
}

// writeKey is the write key that r carries. A secret one has no settings: they
// repeat the key, and everyone may read them.
func (d Deps) writeKey(r *http.Request) (string, error) {
	kind, err := httpapi.Caller(r, d.Keys)
	if err != nil {
		return "", err
	}
	if kind != access.Write {
		return "", fault.New(fault.Forbidden, "write_key_required", "ask for settings with a write key, since everyone may read them")
	}
	return httpapi.Key(r, ""), nil
}

// segment is what analytics.js asks for. Metrics stay off, because the SDK
// would send them to its maker; it crashes without the integration.
func segment(r *http.Request, integration object) object {
	integration["protocol"] = "https"
	if r.Header.Get("X-Forwarded-Proto") == "http" { // set by API Gateway, never by its callers
		integration["protocol"] = "http"
	}
	integration["versionSettings"] = object{"componentTypes": []string{"browser"}}
	return object{
		"integrations":              object{"Segment.io": integration},
		"plan":                      object{"track": object{"__default": object{"enabled": true}}},
		"edgeFunction":              object{},
		"analyticsNextEnabled":      true,
		"middlewareSettings":        object{},
		"enabledMiddleware":         object{},
		"metrics":                   object{"sampleRate": 0},
		"legacyVideoPluginsEnabled": false,
		"remotePlugins":             []any{},
	}
}

// rudder is what RudderStack's browser SDK asks for: one source that is on and
// forwards nothing by itself. The SDK sends to the address that its page gives.
func rudder(key string, now time.Time) object {
	off := object{"enabled": false}
	at := now.UTC().Format(time.RFC3339)
	return object{
		"source": object{
			"id": "rapport", "name": "rapport", "workspaceId": "rapport", "writeKey": key, "enabled": true, "updatedAt": at,
			"config":      object{"statsCollection": object{"errors": off, "metrics": off}},
			"connections": []any{}, "destinations": []any{}, "dataplanes": object{},
		},
		"updatedAt": at,
	}
}
