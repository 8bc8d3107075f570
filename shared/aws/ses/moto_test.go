package ses_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"rapport/infra/engines"
	"rapport/shared/aws/ses"
	"rapport/shared/fault"
)

// TestOnMoto hands a mail to a SES that others wrote: refused while the sender
// is not verified, taken once after that.
func TestOnMoto(t *testing.T) {
	if !strings.Contains(os.Getenv("DYNAMODB_ENGINES"), "moto") {
		t.Skip("needs moto: make engines")
	}
	engine, err := engines.Start(t.Context(), "../../..", "moto")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = engine.Close() }()
	cfg := aws.Config{
		Region: engines.Region, BaseEndpoint: &engine.Endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
	}
	mailer := ses.New(cfg, "rapport")
	if _, err := mailer.Send(t.Context(), mail); fault.KindOf(err) != fault.Invalid {
		t.Errorf("an unverified sender: %v", err)
	}
	api := sesv2.NewFromConfig(cfg)
	if _, err := api.CreateEmailIdentity(t.Context(), &sesv2.CreateEmailIdentityInput{EmailIdentity: aws.String("example.com")}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.CreateConfigurationSet(t.Context(), &sesv2.CreateConfigurationSetInput{ConfigurationSetName: aws.String("rapport")}); err != nil {
		t.Fatal(err)
	}
	id, err := mailer.Send(t.Context(), mail)
	if err != nil || id == "" {
		t.Fatal(id, err)
	}
	if got := taken(t, engine.Endpoint); len(got) != 1 || got[0].ID != id || got[0].Subject != mail.Subject {
		t.Errorf("moto has %+v, want one %q with id %s", got, mail.Subject, id)
	}
}

// taken lists the mail that moto took.
func taken(t *testing.T, endpoint string) []struct{ ID, Subject string } {
	t.Helper()
	response, err := http.Get(endpoint + "/moto-api/data.json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var all struct {
		SES struct {
			Message []struct{ ID, Subject string }
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all.SES.Message
}
