// Package sse is where the tests of r3labs' client are compiled. They come from the
// module cache, as an overlay; see TestR3labsOwnTests. The package has the name of
// theirs.
package sse

import (
	_ "github.com/r3labs/sse/v2" // where they come from
	_ "github.com/stretchr/testify/assert"
	_ "github.com/stretchr/testify/require"

	_ "github.com/OneStepAt4time/resilient-sse/client/r3compat" // on which they run
)
