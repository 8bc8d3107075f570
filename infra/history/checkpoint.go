package history

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// checkpoint is how far a run got.
type checkpoint struct {
	Line    int     `json:"line"`
	Offset  int64   `json:"offset"` // bytes, unpacked
	Summary Summary `json:"summary"`
}

// headBytes is how much of a file tells it from others, with its size.
const headBytes = 64 << 10

// CheckpointName returns the name of the checkpoint's file for a history and
// where it goes: import-<hash>.json. It reads the file's head and goes back to
// its beginning.
func CheckpointName(file io.ReadSeeker, size int64, url string) (string, error) {
	hash := sha256.New()
	_, _ = fmt.Fprintf(hash, "%d %s\n", size, url) // a hash takes everything
	if _, err := io.Copy(hash, io.LimitReader(file, headBytes)); err != nil {
		return "", err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	return "import-" + hex.EncodeToString(hash.Sum(nil)[:16]) + ".json", nil
}

// resume goes to where an earlier run stopped, if there is one.
func (r *run) resume() error {
	if r.Checkpoint == "" {
		return nil
	}
	data, err := os.ReadFile(r.Checkpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var c checkpoint
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err != nil {
		return fmt.Errorf("the checkpoint %s cannot be read; remove it to begin again: %w", r.Checkpoint, err)
	}
	r.summary = c.Summary
	r.summary.ResumedAfter = c.Line
	return r.lines.skip(c.Line, c.Offset)
}

// remember writes the checkpoint, whole or not at all.
func (r *run) remember() error {
	if r.Checkpoint == "" {
		return nil
	}
	line, offset := r.lines.place()
	data, err := json.Marshal(checkpoint{Line: line, Offset: offset, Summary: r.summary})
	if err != nil {
		return err
	}
	next := r.Checkpoint + ".new"
	if err := os.WriteFile(next, data, 0o600); err != nil {
		return err
	}
	return os.Rename(next, r.Checkpoint)
}

// forget removes the checkpoint of a finished run.
func (r *run) forget() error {
	if r.Checkpoint == "" {
		return nil
	}
	err := os.Remove(r.Checkpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
