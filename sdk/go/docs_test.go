package killcord_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The blocks of the page are parts of programs that the tests run: the examples of this package, and
// examples/go/loop, which TestTheExampleIsStoppedInTheMiddleOfARequest runs.
func TestThePageShowsProgramsThatAreRun(t *testing.T) {
	t.Parallel()
	page := read(t, "../../docs/sdk-go.md")
	programs := lean(read(t, "example_test.go") + read(t, "../../examples/go/loop/main.go"))
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(page, -1)
	if len(blocks) < 5 {
		t.Fatalf("%d blocks", len(blocks))
	}
	for _, block := range blocks {
		if !strings.Contains(programs, lean(block[1])) {
			t.Errorf("no program has this in it:\n%s", block[1])
		}
	}
}

// lean leaves the depth of lines out.
func lean(text string) string {
	return regexp.MustCompile(`(?m)^[ \t]+`).ReplaceAllString(text, "")
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheExampleIsStoppedInTheMiddleOfARequest(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "loop")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = "../../examples/go/loop"
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	working, ended := make(chan struct{}), make(chan struct{})
	site := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		close(working)
		<-request.Context().Done()
		close(ended)
	}))
	defer site.Close()
	loop := exec.Command(program, site.URL)
	loop.Env = append(os.Environ(), "KILLCORD_URL="+common.url, "KILLCORD_API_KEY="+common.agentKey())
	output, into := io.Pipe()
	loop.Stdout, loop.Stderr = into, into
	if err := loop.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 99)
	go func() {
		for scanner := bufio.NewScanner(output); scanner.Scan(); {
			lines <- scanner.Text()
		}
		close(lines)
	}()
	id := strings.TrimPrefix(receive(t, "its session", lines), "running as ")
	receive(t, "its request", working)
	common.kill(t, id, "manual stop")
	receive(t, "the end of its request", ended)
	if err := loop.Wait(); loop.ProcessState.ExitCode() != 1 {
		t.Fatal(err)
	}
	into.Close()
	said := ""
	for line := range lines {
		said += line + "\n"
	}
	if !strings.Contains(said, "agent contained: session "+id+" killed (manual): manual stop") {
		t.Fatal(said)
	}
	common.sealed(t, "halt_confirmed", id)
}
