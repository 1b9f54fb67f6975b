package testenv_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"testing"
	"time"

	"larder/internal/testenv"
)

func TestRedisServerComesBack(t *testing.T) {
	t.Parallel()
	s := testenv.StartRedis(t, testenv.RedisOptions{AppendOnly: true, Password: "a b", Settings: map[string]string{"maxmemory-policy": "allkeys-lru"}})
	if got := s.Do(t, "CONFIG", "GET", "appendfsync"); fmt.Sprint(got) != "[appendfsync always]" {
		t.Errorf("appendfsync: %v", got)
	}
	if got := s.Info(t, "memory")["maxmemory_policy"]; got != "allkeys-lru" {
		t.Errorf("the policy is %q", got)
	}
	for i := range 3 {
		if got := s.Do(t, "INCR", "n"); got != int64(i+1) {
			t.Errorf("after %d kills there are %v writes, this one included", i, got)
		}
		s.Kill(t)
		if _, err := s.Try("PING"); err == nil {
			t.Fatal("a killed server answers")
		}
		s.Start(t)
	}
	s.Stop(t)
	s.Start(t)
	if got := s.Do(t, "GET", "n"); got != "3" {
		t.Errorf("of 3 writes there are %v", got)
	}
}

func TestRedisServerForgets(t *testing.T) {
	t.Parallel()
	s := testenv.StartRedis(t, testenv.RedisOptions{})
	s.Do(t, "SET", "k", "v")
	s.Kill(t)
	s.Start(t)
	if got := s.Do(t, "GET", "k"); got != nil {
		t.Errorf("a server without a file kept %v", got)
	}
}

func TestRedisServerPauses(t *testing.T) {
	t.Parallel()
	s := testenv.StartRedis(t, testenv.RedisOptions{})
	c := talk(t, s.Address)
	s.Pause(t)
	if got, err := c.within(50*time.Millisecond, "PING"); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a paused server says %q: %v", got, err)
	}
	s.Resume(t)
	if got, err := c.read(time.Minute); got != "+PONG" {
		t.Errorf("a resumed server says %q: %v", got, err)
	}
	s.Pause(t) // which does not keep the test's end from stopping it
}

func TestRedisCommands(t *testing.T) {
	t.Parallel()
	s := testenv.StartRedis(t, testenv.RedisOptions{})
	for _, one := range []struct {
		command []string
		want    string
	}{
		{[]string{"SET", "k", "a\r\nb"}, `"OK"`},
		{[]string{"GET", "k"}, `"a\r\nb"`},
		{[]string{"GET", "none"}, "<nil>"},
		{[]string{"STRLEN", "k"}, "4"},
		{[]string{"MGET", "k", "none"}, `[]interface {}{"a\r\nb", interface {}(nil)}`},
		{[]string{"EVAL", "return {1, {}, {err = 'MY no'}}", "0"}, `[]interface {}{1, []interface {}{}, "MY no"}`},
	} {
		if got := fmt.Sprintf("%#v", s.Do(t, one.command...)); got != one.want {
			t.Errorf("%q gives %s, not %s", one.command, got, one.want)
		}
	}
	_, err := s.Try("GET")
	var said testenv.RedisError
	if !errors.As(err, &said) || said.Error() != "ERR wrong number of arguments for 'get' command" {
		t.Errorf("a command without its argument: %v", err)
	}
	if _, port, err := net.SplitHostPort(s.Address); err != nil || port != strconv.Itoa(s.Port) {
		t.Errorf("the address %s with port %d: %v", s.Address, s.Port, err)
	}
}
