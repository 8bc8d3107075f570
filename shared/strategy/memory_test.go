package strategy_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"rapport/shared/table"
)

// memory is a table in memory, as far as strategies need one. It counts reads
// and can fail.
type memory struct {
	table.Table
	t      testing.TB
	mu     sync.Mutex
	items  map[table.Key]table.Item
	owners map[table.Key]string
	reads  int
	writes int
	broken bool
	before func(table.Write) // is called ahead of a commit
}

func newMemory(t testing.TB) *memory {
	return &memory{t: t, items: map[table.Key]table.Item{}, owners: map[table.Key]string{}}
}

var errBroken = errors.New("the table is down")

func (m *memory) Get(_ context.Context, keys ...table.Key) ([]*table.Item, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads += len(keys)
	if m.broken {
		return nil, errBroken
	}
	out := make([]*table.Item, len(keys))
	for i, key := range keys {
		if item, ok := m.items[key]; ok {
			out[i] = &item
		}
	}
	return out, nil
}

func (m *memory) Commit(_ context.Context, owner string, writes ...table.Write) error {
	if len(writes) != 1 || len(writes[0].Body) > 300<<10 || writes[0].If.IsZero() {
		m.t.Errorf("a commit of %d writes, the first of %d bytes", len(writes), len(writes[0].Body))
	}
	w := writes[0]
	if m.before != nil {
		m.before(w)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken {
		return errBroken
	}
	m.writes++
	have, there := m.items[w.Key]
	switch {
	case there && m.owners[w.Key] == owner:
		return nil
	case w.If.Absent && there:
		return &table.Conflict{Reasons: []table.Reason{table.Exists}}
	case w.If.Version != 0 && have.Version != w.If.Version:
		return &table.Conflict{Reasons: []table.Reason{table.VersionChanged}}
	}
	m.items[w.Key] = table.Item{Key: w.Key, Version: have.Version + 1, Body: w.Body}
	m.owners[w.Key] = owner
	return nil
}
