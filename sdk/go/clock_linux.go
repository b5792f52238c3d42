package killcord

import (
	"time"

	"golang.org/x/sys/unix"
)

// elapsed is a monotonic time that runs on while the machine sleeps, which Go's own does not here: a
// lease is over after a night in a closed laptop.
func elapsed() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return time.Since(began)
	}
	return time.Duration(now.Nano())
}

var began = time.Now()
