package ses_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"rapport/shared/aws/ses"
	"rapport/shared/fault"
	"rapport/shared/letter"
)

var mail = letter.Letter{
	To: "customer@example.com", From: "Shop <shop@example.com>", Subject: "Grüße", HTML: "<p>Hi</p>", Text: "Hi",
	Headers: map[string]string{"List-Unsubscribe": "<https://example.com/u>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
	Tags:    map[string]string{"message": "n_1"},
}

// against returns a mailer that talks to the handler.
func against(t *testing.T, h http.HandlerFunc) *ses.Mailer {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return ses.New(aws.Config{
		Region: "eu-central-1", BaseEndpoint: &server.URL,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "x", SecretAccessKey: "x"}, nil
		}),
	}, "rapport")
}

func TestWire(t *testing.T) {
	var got map[string]any
	m := against(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/v2/email/outbound-emails" {
			t.Errorf("%s %s", r.Method, r.URL.Path)
		}
		body, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &got); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, `{"MessageId":"ses-1"}`)
	})
	id, err := m.Send(context.Background(), mail)
	if err != nil || id != "ses-1" {
		t.Fatal(id, err)
	}
	text, _ := json.Marshal(got)
	for _, want := range []string{
		`"ConfigurationSetName":"rapport"`, `"ToAddresses":["customer@example.com"]`, `"Data":"Grüße"`,
		`{"Name":"List-Unsubscribe-Post","Value":"List-Unsubscribe=One-Click"}`, `"EmailTags":[{"Name":"message","Value":"n_1"}]`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

// Whatever SES answers, or does not, one mail is one request.
func TestOneRequestWhateverComesBack(t *testing.T) {
	for name, c := range map[string]struct {
		status int // 0 cuts the connection after the mail was taken
		kind   fault.Kind
		code   string
	}{
		"refused":          {400, fault.Invalid, "mail_refused"},
		"not found":        {404, fault.Invalid, "mail_refused"},
		"throttled":        {429, fault.Unavailable, ses.Throttled},
		"request timeout":  {408, fault.Internal, "mail_unknown"},
		"server error":     {500, fault.Internal, "mail_unknown"},
		"unavailable":      {503, fault.Internal, "mail_unknown"},
		"gateway time-out": {504, fault.Internal, "mail_unknown"},
		"cut off":          {0, fault.Internal, "mail_unknown"},
		"broken answer":    {200, fault.Internal, "mail_unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int32
			m := against(t, func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				_, _ = io.Copy(io.Discard, r.Body)
				if c.status == 0 {
					panic(http.ErrAbortHandler)
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, `{"MessageId":`)
			})
			_, err := m.Send(context.Background(), mail)
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != c.kind || f.Code != c.code {
				t.Errorf("error %v, want %s %s", err, c.kind, c.code)
			}
			if n := requests.Load(); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}
