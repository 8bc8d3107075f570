package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"rapport/shared/fault"
)

// exportCommand hands out what other systems can use.
type exportCommand struct {
	Audience exportAudience `cmd:"" help:"The people who are in an audience now, as JSON lines."`
}

// exportAudience hands out the people of one audience.
type exportAudience struct {
	place
	Audience string `arg:"" name:"audience" help:"Id of the audience."`
	Purpose  string `placeholder:"ID" help:"Leave out who did not agree to this purpose, and give the addresses of the others."`
	URL      string `placeholder:"URL" help:"Ask a running Rapport, instead of working on the data folder."`
}

// Help implements kong.HelpProvider.
func (exportAudience) Help() string {
	return `One person a line: {"id":"…","userId":"u1","email":"customer@example.com"}. Who has no user id has an anonymousId. Whether somebody is in the audience is found out now, not looked up. How many were left out is said on standard error. If it ends before its time, the exit code is not 0 and the file is not whole.

It reads the whole table, also events: on AWS that is a read unit for each 4 KB of it.

Without --url, no server may be running on the data folder.

Examples:
  rapport export audience vip > vip.jsonl
  rapport export audience vip --purpose newsletter > vip.jsonl
  rapport export audience vip --secret-key "$SECRET_KEY" --url "$API_URL"`
}

// Run implements the command.
func (c exportAudience) Run(ctx context.Context, t terminal) (err error) {
	base, client := strings.TrimRight(c.URL, "/"), http.DefaultClient
	if base == "" {
		var closeCloud func() error
		if client, closeCloud, err = c.start(ctx, t); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, closeCloud()) }()
		base = inside
	}
	var all closing
	for more := true; more; more = all.Next != "" {
		lines, err := c.page(ctx, client, base, all.Next)
		if err != nil {
			return err
		}
		people, end, err := readPage(lines)
		if err != nil {
			return err
		}
		if _, err := t.out.Write(people); err != nil {
			return fault.New(fault.Unavailable, "not_written", "the people could not be written: make room, and run it again").Because(err)
		}
		all = closing{all.People + end.People, all.Withheld + end.Withheld, end.Next}
	}
	c.tell(t, all)
	return nil
}

// tell says how many there were, where it does not get into the file.
func (c exportAudience) tell(t terminal, all closing) {
	number := fmt.Sprintf("%d people", all.People)
	if all.People == 1 {
		number = "1 person"
	}
	if c.Purpose != "" {
		number += fmt.Sprintf("; %d left out, who did not agree to %s", all.Withheld, c.Purpose)
	}
	fmt.Fprintln(t.err, number)
}

// closing is what the last line of a page says.
type closing struct {
	People   int    `json:"people"`
	Withheld int    `json:"withheld"`
	Next     string `json:"next"`
}

// readPage parts the lines of people from the one that closes the page.
func readPage(lines []byte) (people []byte, end closing, err error) {
	at := bytes.LastIndexByte(bytes.TrimSuffix(lines, []byte("\n")), '\n') + 1
	var last struct{ Page *closing }
	if json.Unmarshal(lines[at:], &last) != nil || last.Page == nil {
		return nil, end, fault.New(fault.Unavailable, "cut_off", "the answer was cut off: run it again")
	}
	return lines[:at], *last.Page, nil
}

// page asks for one page, which begins after what the one before says.
func (c exportAudience) page(ctx context.Context, client *http.Client, base, after string) ([]byte, error) {
	query := url.Values{}
	for name, value := range map[string]string{"purpose": c.Purpose, "after": after} {
		if value != "" {
			query.Set(name, value)
		}
	}
	address := base + "/v1/audiences/" + url.PathEscape(c.Audience) + "/people?" + query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, fault.New(fault.Invalid, "bad_url", "give an address like http://127.0.0.1:8080").In("url").Because(err)
	}
	request.SetBasicAuth(c.SecretKey, "")
	response, err := client.Do(request)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "no_answer", "nothing answers at %s: start rapport local, or leave --url out", base).In("url").Because(err)
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	lines, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "cut_off", "the answer was cut off: run it again").Because(err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, refusal(response.StatusCode, lines)
	}
	return lines, nil
}

// refusal is what the API says about a request that it did not answer.
func refusal(status int, body []byte) error {
	var answer struct {
		Error struct{ Code, Message, Field string }
	}
	if json.Unmarshal(body, &answer) != nil || answer.Error.Code == "" {
		return fault.New(fault.Unavailable, "no_rapport", "the answer has status %d and is none of Rapport's: give the address of its API", status).In("url")
	}
	return fault.New(fault.Invalid, answer.Error.Code, "%s", answer.Error.Message).In(answer.Error.Field)
}
