package main

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"rapport/infra/cloud"
	"rapport/infra/site"
	"rapport/shared/access"
	"rapport/shared/fault"
)

// place says what to run and where its state lies.
type place struct {
	Template string `default:"template.yaml" help:"SAM template that says which functions run."`
	Strategy string `default:"infra/strategy" help:"Folder of the strategy, published again whenever it changes."`
	Data     string `default:".rapport" env:"RAPPORT_DATA" help:"Folder of the state."`
	engine   `embed:""`

	WriteKey       string `default:"demo-write" env:"RAPPORT_WRITE_KEY" help:"The public key that browsers send."`
	SecretKey      string `default:"demo-secret" env:"RAPPORT_SECRET_KEY" help:"The key of servers."`
	IdentitySecret string `default:"demo-identity" env:"RAPPORT_IDENTITY_SECRET" help:"Signs the proofs of signed-in users."`

	Parameters map[string]string `name:"parameter" env:"RAPPORT_PARAMETERS" help:"Further parameters of the template, such as AllowedOrigins=https://shop.example.com; parted by semicolons."`
}

// open opens the local cloud with the sample shop, which will answer at url.
// Nothing runs yet.
func (p place) open(log *slog.Logger, url string) (*cloud.Cloud, error) {
	for _, need := range []string{p.Template, p.Strategy} {
		if _, err := os.Stat(need); err != nil {
			return nil, fault.New(fault.Invalid, "not_here", "%s is not there: run it from the repository, or pass --template and --strategy", need)
		}
	}
	tabler, err := p.tabler(p.Template)
	if err != nil {
		return nil, err
	}
	// The shop signs with the identity secret, whatever else proofs may be signed with.
	proofs, err := access.NewProofs(access.ProofConfig{
		Secrets: []string{p.IdentitySecret}, Audience: p.Parameters["ProofAudience"], Issuer: p.Parameters["ProofIssuer"],
	})
	if err != nil {
		return nil, err
	}
	// The shop's proofs go by the cloud's virtual clock, which exists only once
	// the cloud is open.
	var c *cloud.Cloud
	shop := site.Handler(site.Config{
		WriteKey: p.WriteKey, Log: log,
		Issue: func(user string, ttl time.Duration) (string, error) {
			return proofs.Issue(user, ttl, c.Now())
		},
	})
	c, err = cloud.Open(cloud.Config{
		Template: p.Template, Data: p.Data, Table: tabler, Strategy: p.Strategy, URL: url, Log: log, Site: shop,
		WriteKey: p.WriteKey, SecretKey: p.SecretKey, IdentitySecret: p.IdentitySecret,
		Parameters: p.Parameters,
	})
	if err != nil {
		return nil, fmt.Errorf("cannot start: %w", err)
	}
	return c, nil
}
