// Package termsvg turns what a program has written to a terminal, with its times,
// into an SVG that plays it: lines appear when they did, the live line at the bottom
// comes and goes, and what does not fit moves up. Where nothing is animated the end
// is shown.
//
// It knows what this project's command writes: text, line feeds, styles, and the
// erasing of the line that the cursor is on.
package termsvg
