package prefer

import (
	"bytes"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"rapport/shared/fault"
	"rapport/shared/httpapi"
)

// maxForm is how many bytes a form may have.
const maxForm = 32 << 10

// form reads the fields of the body. Mailbox providers send them URL-encoded or
// as multipart, and some do not say which.
func form(r *http.Request) (url.Values, error) {
	data, err := httpapi.Body(r, maxForm)
	if err != nil {
		return nil, err
	}
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		fields, err := url.ParseQuery(strings.TrimSpace(string(data)))
		return fields, badForm(err)
	}
	read, err := multipart.NewReader(bytes.NewReader(data), parameters["boundary"]).ReadForm(2 * maxForm) // all of it in memory
	if err != nil {
		return nil, badForm(err)
	}
	return read.Value, nil
}

func badForm(err error) error {
	if err == nil {
		return nil
	}
	return fault.New(fault.Malformed, "bad_form", "send the fields as a form: URL-encoded or multipart").Because(err)
}

func isJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}
