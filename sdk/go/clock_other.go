//go:build !linux

package killcord

import "time"

// elapsed is a monotonic time.
func elapsed() time.Duration { return time.Since(began) }

var began = time.Now()
