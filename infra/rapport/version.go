package main

import (
	"fmt"
	"runtime/debug"
)

// versionCommand prints what the build knows of itself.
type versionCommand struct{}

// Run implements the command.
func (versionCommand) Run(t terminal) error { //nolint:unparam // the signature that every command has
	version, revision := "development", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if v := info.Main.Version; v != "" && v != "(devel)" {
			version = v
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = " " + s.Value[:min(12, len(s.Value))]
			}
		}
	}
	fmt.Fprintf(t.out, "rapport %s%s\n", version, revision)
	return nil
}
