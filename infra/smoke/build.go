package smoke

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"

	"rapport/shared/fault"
)

// Flags are the production flags, as GOFLAGS takes them: small, and the same
// bytes wherever it is built. LAMBDA_FLAGS of the Makefile are the same.
const Flags = `-buildvcs=false -trimpath -tags=lambda.norpc '-ldflags=-s -w -buildid='`

// Build compiles the main package in the folder (or a file) for Linux on the
// architecture ("amd64", "arm64") to bootstrap, as `sam build` does. The root
// is the folder of go.mod.
//
// Errors: kind Invalid (code not_built) with what the compiler says.
func Build(ctx context.Context, root, main, arch, bootstrap string) error {
	out, err := filepath.Abs(bootstrap)
	if err != nil {
		return fault.New(fault.Invalid, "not_built", "choose another place for the bootstrap").Because(err)
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", out, main)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0", "GOFLAGS="+Flags)
	if said, err := cmd.CombinedOutput(); err != nil {
		return fault.New(fault.Invalid, "not_built", "mend %s, it does not build:\n%s", main, said).Because(err)
	}
	return nil
}
