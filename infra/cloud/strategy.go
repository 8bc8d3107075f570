package cloud

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"rapport/infra/publish"
	"rapport/shared/fault"
	"rapport/shared/strategy"
)

// strategies publishes the strategy's folder into the table, at the start and
// whenever its files change.
type strategies struct {
	cloud   *Cloud
	mu      sync.Mutex
	seen    string // what the files looked like at the last publication
	readers []*strategy.Reader
}

func newStrategies(c *Cloud) *strategies { return &strategies{cloud: c} }

// reader is one function's view of the published strategy.
func (s *strategies) reader() *strategy.Reader {
	r := strategy.NewReader(s.cloud.table, s.cloud.clock.Now)
	s.readers = append(s.readers, r)
	return r
}

// publishFirst publishes at the start. When the files do not hold, an earlier
// strategy in the table goes on; without one, all problems are the error.
func (s *strategies) publishFirst() error {
	if s.cloud.config.Strategy == "" {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.publish(context.Background())
	if err == nil {
		return nil
	}
	if _, none := strategy.NewReader(s.cloud.table, s.cloud.clock.Now).Current(context.Background()); none != nil {
		return err
	}
	s.cloud.log.Warn("the strategy has problems; the one published before stays", "error", err)
	return nil
}

// look publishes again if the files changed. Problems go to the log, and the
// strategy published before stays.
func (s *strategies) look(ctx context.Context) {
	if s.cloud.config.Strategy == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fingerprint() == s.seen {
		return
	}
	if err := s.publish(ctx); err != nil {
		s.cloud.log.Warn("the strategy has problems; the one published before stays", "error", err)
	}
}

// publish reads, checks and publishes the files. The lock is held.
func (s *strategies) publish(ctx context.Context) error {
	s.seen = s.fingerprint()
	document, problems := publish.Load(s.cloud.config.Strategy)
	var refused []error
	for _, p := range problems {
		if p.Warning {
			s.cloud.log.Warn("the strategy may be wrong", "at", p.String())
			continue
		}
		refused = append(refused, errors.New(p.String()))
	}
	if len(refused) > 0 {
		return fault.New(fault.Invalid, "bad_strategy", "the strategy in %s has problems: mend them", s.cloud.config.Strategy).Because(errors.Join(refused...))
	}
	if err := strategy.Publish(ctx, s.cloud.table, document, s.cloud.clock.Now()); err != nil {
		return err
	}
	s.cloud.log.Info("strategy published", "version", document.Version)
	for _, r := range s.readers {
		r.Refresh()
	}
	return nil
}

// fingerprint tells whether any file was changed, added or removed: YAML, or what
// it names, such as the MJML of a mail.
func (s *strategies) fingerprint() string {
	var b strings.Builder
	files, _ := os.ReadDir(s.cloud.config.Strategy) // what cannot be listed will not be published either
	for _, file := range files {
		if info, err := file.Info(); err == nil && !file.IsDir() {
			fmt.Fprintln(&b, file.Name(), info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String()
}
