// Package cloud is AWS on a laptop: one process that reads the SAM template and
// runs every function behind it with the JSON that AWS would deliver. Routes,
// queues with their dead letters, rules and schedules come from the template
// and from nowhere else. All state lives in one file, and all waiting goes by a
// virtual clock.
package cloud

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"rapport/shared/embedded"
	"rapport/shared/fault"
	"rapport/shared/table"
)

// Config says what to run and where. Only Template and Data are required.
type Config struct {
	Template       string            // path of the SAM template
	Data           string            // folder of the state; made when absent
	Table          Tabler            // where the table lies; nil: in the one file of the data folder
	WriteKey       string            // value of the template's parameter WriteKey
	SecretKey      string            // of SecretKey
	IdentitySecret string            // of IdentitySecret
	Parameters     map[string]string // of further parameters, by name
	URL            string            // where the API answers, for links in mail; "": http://127.0.0.1:8080
	Strategy       string            // folder of the strategy, published and watched; "": none
	Now            func() time.Time
	Log            *slog.Logger
	Site           http.Handler       // serves "/" and "/shop/…" unless the API claims them
	Functions      map[string]Builder // by logical id; nil: Rapport's own
	Patience       time.Duration      // how long Settle waits without any progress; 0: a minute
	Fleeting       bool               // the data folder is thrown away at the end: nothing waits for the disk
}

// Tabler opens the table that the functions use; now is the virtual clock.
type Tabler func(now func() time.Time) (table.Table, error)

// Cloud is a running local cloud.
type Cloud struct {
	config     Config
	log        *slog.Logger
	file       *embedded.DB // all state of this machine
	table      table.Table  // in the file, unless Config.Table says otherwise
	store      *store
	clock      *clock
	meter      *meter
	bus        *bus
	outbox     *outbox
	gateway    *gateway
	queues     map[string]*queue
	functions  map[string]*function
	sources    []*source
	schedules  schedules
	strategies *strategies

	begin   sync.Once
	started chan struct{} // closed once Run has started the workers
	ended   chan struct{} // closed once Run has returned
	mu      sync.Mutex
	change  chan struct{} // closed at each finished delivery
	ticking bool          // a scheduled invocation of Run is on its way
}

// Open reads the template, opens the data folder, builds the functions and
// publishes the strategy. Nothing moves before Run.
//
// Errors: kind Invalid for a template or strategy that does not hold (all its
// problems joined), Unavailable (code data_in_use) when another process has the
// data folder.
func Open(config Config) (*Cloud, error) {
	config = config.withDefaults()
	wanted, err := config.template()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(config.Data, 0o700); err != nil {
		return nil, fault.New(fault.Unavailable, "no_data_folder", "the data folder cannot be made: choose another").In("data").Because(err)
	}
	c := &Cloud{
		config: config, log: config.Log, clock: &clock{real: config.Now}, meter: &meter{},
		queues: map[string]*queue{}, functions: map[string]*function{},
		started: make(chan struct{}), ended: make(chan struct{}), change: make(chan struct{}),
	}
	if c.file, err = embedded.Open(filepath.Join(config.Data, "rapport.db"), c.clock.Now); err != nil {
		return nil, err
	}
	if err := c.prepare(wanted); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// template reads the template with the parameters that the configuration gives.
func (config Config) template() (*template, error) {
	parameters := map[string]string{
		"WriteKey": config.WriteKey, "SecretKey": config.SecretKey, "IdentitySecret": config.IdentitySecret,
		"MailIdentity": "example.com", // nobody checks it here
	}
	maps.Copy(parameters, config.Parameters)
	wanted, err := readTemplate(config.Template, config.URL, parameters)
	if err != nil {
		return nil, err
	}
	for name := range config.Parameters {
		if !slices.Contains(wanted.Parameters, name) {
			return nil, fault.New(fault.Invalid, "no_parameter", "the template has no parameter %q: give one that it declares", name).In(name)
		}
	}
	return wanted, nil
}

func (config Config) withDefaults() Config {
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.Functions == nil {
		config.Functions = Functions()
	}
	if config.URL == "" {
		config.URL = "http://127.0.0.1:8080"
	}
	if config.Patience == 0 {
		config.Patience = time.Minute
	}
	return config
}

func (c *Cloud) prepare(wanted *template) error {
	var err error
	if c.store, err = openStore(c.file.Bolt(), c.log); err != nil {
		return err
	}
	c.store.db.NoSync = c.config.Fleeting
	if err := c.clock.load(c.store.db); err != nil {
		return notStored(err)
	}
	c.table = c.file
	if c.config.Table != nil {
		if c.table, err = c.config.Table(c.clock.Now); err != nil {
			return err
		}
	}
	if err := c.meter.load(c.store.db, c.clock.Now()); err != nil {
		return notStored(err)
	}
	c.strategies = newStrategies(c)
	if err := c.wire(wanted); err != nil {
		return err
	}
	if err := c.schedules.load(c.store.db, c.clock.Now()); err != nil {
		return notStored(err)
	}
	return c.strategies.publishFirst()
}

// Run delivers messages, fires schedules and watches the strategy until ctx
// ends; then it finishes what is in flight and returns.
func (c *Cloud) Run(ctx context.Context) {
	c.begin.Do(func() {
		defer close(c.ended)
		var work sync.WaitGroup
		for _, s := range c.sources {
			for range s.spec.Workers {
				work.Go(func() { s.work(ctx) })
			}
		}
		work.Go(func() { c.tick(ctx) })
		work.Go(func() { c.upkeep(ctx) })
		close(c.started)
		work.Wait()
	})
}

// Close stores what is pending and closes the file. End Run's context first:
// Close waits until Run has returned, if it was ever called.
func (c *Cloud) Close() error {
	c.begin.Do(func() { close(c.ended) }) // a Run that comes later does nothing
	<-c.ended
	if c.store != nil {
		c.keep()
		c.store.close()
	}
	return c.file.Close()
}

// Now is the virtual time: real time plus what Advance added.
func (c *Cloud) Now() time.Time { return c.clock.Now() }

// tick fires schedules as their time comes.
func (c *Cloud) tick(ctx context.Context) {
	for ctx.Err() == nil {
		c.schedules.mu.Lock()
		next := c.schedules.next()
		if !next.IsZero() && !next.After(c.clock.Now()) {
			c.setTicking(true)
			c.schedules.fire(ctx, c.clock.Now())
			c.setTicking(false)
			next = c.schedules.next()
		}
		c.schedules.mu.Unlock()
		pause := time.Second
		if !next.IsZero() {
			pause = min(pause, max(next.Sub(c.clock.Now()), time.Millisecond))
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func (c *Cloud) setTicking(on bool) {
	c.mu.Lock()
	c.ticking = on
	c.mu.Unlock()
	c.settled()
}

// upkeep stores the meter and looks at the strategy's files once a second.
func (c *Cloud) upkeep(ctx context.Context) {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
			c.keep()
			c.strategies.look(ctx)
		}
	}
}

func (c *Cloud) keep() {
	if change := c.meter.keep(); change != nil {
		c.store.later(change)
		c.schedules.mu.Lock()
		c.store.later(c.keptTime())
		c.schedules.mu.Unlock()
	}
}
