package publish

import (
	"fmt"
	"slices"
	"strings"
)

// didYouMean returns a hint at the known name nearest to a wrong one, or at all
// of them when none is near and they are few.
func didYouMean(wrong string, known []string) string {
	best, distance := "", 3
	for _, name := range known {
		if d := edits(strings.ToLower(wrong), strings.ToLower(name)); d < distance && d < len(name) {
			best, distance = name, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf("; did you mean %q?", best)
	case len(known) > 0 && len(known) <= 12:
		sorted := slices.Sorted(slices.Values(known))
		return "; there is " + strings.Join(sorted, ", ")
	default:
		return ""
	}
}

// edits counts the letters to insert, delete, replace or swap with the next to
// get from a to b.
func edits(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
