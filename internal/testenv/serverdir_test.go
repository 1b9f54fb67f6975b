package testenv

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// serverOwner is set in a process that starts a server for the test below and
// waits to be killed.
const serverOwner = "TESTENV_SERVER_OWNER"

func TestServerEndsWithTheProcess(t *testing.T) {
	if os.Getenv(serverOwner) != "" {
		s := StartRedis(t, RedisOptions{})
		_, err := fmt.Fprintf(os.Stdout, "\n%s %s\n", s.Address, s.Dir)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, os.Stdin)
		t.Fatalf("not killed: %v", err)
	}
	t.Parallel()
	owner := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	owner.Env = append(os.Environ(), serverOwner+"=1")
	held, err := owner.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	said, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	var address, dir string
	if _, err := fmt.Fscanf(bufio.NewReader(said), "\n%s %s\n", &address, &dir); err != nil {
		t.Errorf("the other process has no server: %v", err)
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := owner.Wait(); err == nil {
		t.Error("the other process ended by itself")
	}
	err = await(stopTimeout, func() (bool, error) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED), nil
	})
	if err != nil {
		t.Errorf("the server outlives the process that started it: %v", err)
	}
	err = await(stopTimeout, func() (bool, error) {
		_, err := os.Stat(dir)
		return errors.Is(err, os.ErrNotExist), nil
	})
	if err != nil {
		t.Errorf("the directory outlives the process that made it: %v", err)
	}
}
