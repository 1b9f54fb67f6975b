package testenv_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"larder/internal/testenv"
)

// clientOf connects as larder does: RESP 3, one pipeline, no retries.
func clientOf(t *testing.T, address string) rueidis.Client {
	t.Helper()
	c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{address}, ForceSingleClient: true, DisableRetry: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// incr adds one to a counter, and says what went wrong.
func incr(ctx context.Context, c rueidis.Client, key string) error {
	return c.Do(ctx, c.B().Incr().Key(key).Build()).Error()
}

func TestRedisProxyLosesReplies(t *testing.T) {
	t.Parallel()
	s := testenv.StartRedis(t, testenv.RedisOptions{})
	proxy := testenv.ProxyRedis(t, s.URL)
	c := clientOf(t, proxy.Address)
	ctx := t.Context()
	if err := incr(ctx, c, "n"); err != nil {
		t.Fatal(err)
	}
	for i, one := range []struct {
		cut  func(string)
		want string // what the server has afterwards
	}{
		{proxy.CutAfterCommand, "2"},
		{proxy.CutBeforeCommand, "3"}, // of the two increments between, one is lost
		{proxy.CutAfterCommand, "5"},
	} {
		one.cut("\nn\r")
		if err := incr(ctx, c, "other"); err != nil {
			t.Errorf("cut %d: another key: %v", i, err)
		}
		err := incr(ctx, c, "n")
		if _, answered := rueidis.IsRedisErr(err); err == nil || answered {
			t.Errorf("cut %d: the client is told %v", i, err)
		}
		if got := s.Do(t, "GET", "n"); got != one.want {
			t.Errorf("cut %d: the server has %v, not %s", i, got, one.want)
		}
		if counts := proxy.Counts(); counts.Cuts != i+1 {
			t.Errorf("cut %d: the proxy counts %+v", i, counts)
		}
		eventually(t, "the client is back", func() bool { return incr(ctx, c, "n") == nil })
	}
}

// TestRedisProxyKeepsRefusals has a script that the server does not know yet:
// the one that runs is the second attempt.
func TestRedisProxyKeepsRefusals(t *testing.T) {
	t.Parallel()
	s := testenv.StartRedis(t, testenv.RedisOptions{})
	proxy := testenv.ProxyRedis(t, s.URL)
	c := clientOf(t, proxy.Address)
	proxy.CutAfterCommand("counted")
	script := rueidis.NewLuaScript("return redis.call('INCR', KEYS[1])")
	err := script.Exec(t.Context(), c, []string{"counted"}, nil).Error()
	if _, answered := rueidis.IsRedisErr(err); err == nil || answered {
		t.Errorf("the client is told %v", err)
	}
	if got := s.Do(t, "GET", "counted"); got != "1" {
		t.Errorf("the server has %v", got)
	}
}

// TestRedisProxyFindsTheReply has many commands under way on one connection,
// pushed messages and invalidations among the replies: those that the client was
// told of happened, and of the others one.
func TestRedisProxyFindsTheReply(t *testing.T) {
	t.Parallel()
	s := testenv.StartRedis(t, testenv.RedisOptions{})
	proxy := testenv.ProxyRedis(t, s.URL)
	c := clientOf(t, proxy.Address)
	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	defer working.Wait()
	defer stop()
	heard := make(chan struct{}, 1)
	working.Go(func() {
		_ = c.Receive(ctx, c.B().Subscribe().Channel("news").Build(), func(rueidis.PubSubMessage) {
			select {
			case heard <- struct{}{}:
			default:
			}
		}) // ends with the cut, or with the test
	})
	eventually(t, "the client has subscribed", func() bool { return fmt.Sprint(s.Do(t, "PUBSUB", "NUMSUB", "news")) == "[news 1]" })

	const writers, rounds = 8, 20
	var writing sync.WaitGroup
	told := make([]int, writers)
	proxy.OnCommand(func(words []string) testenv.CommandCut {
		if len(words) == 3 && words[0] == "APPEND" && words[1] == "w3" && words[2] == "7" {
			return testenv.LoseReply
		}
		return testenv.PassOn
	})
	for w := range writers {
		writing.Go(func() {
			key := fmt.Sprintf("w%d", w)
			for i := range rounds {
				c.DoCache(ctx, c.B().Get().Key(key).Cache(), time.Minute)
				c.Do(ctx, c.B().Publish().Channel("news").Message("x").Build())
				if c.Do(ctx, c.B().Append().Key(key).Value(strconv.Itoa(i%10)).Build()).Error() != nil {
					return
				}
				told[w]++
			}
		})
	}
	writing.Wait()
	<-heard
	if told[3] != 7 {
		t.Errorf("the one whose reply was lost was told of %d", told[3])
	}
	for w := range writers {
		text, _ := s.Do(t, "GET", fmt.Sprintf("w%d", w)).(string)
		if len(text) < told[w] || len(text) > told[w]+1 || (w == 3 && len(text) != 8) {
			t.Errorf("writer %d was told of %d, and the server has %d", w, told[w], len(text))
		}
	}
}

func TestRedisProxyCutsAndRefuses(t *testing.T) {
	t.Parallel()
	s := testenv.StartRedis(t, testenv.RedisOptions{Password: "secret"})
	proxy := testenv.ProxyRedis(t, s.URL)
	if want := strings.Replace(s.URL, s.Address, proxy.Address, 1); proxy.URL != want || !strings.Contains(want, "secret") {
		t.Errorf("the URL is %s", proxy.URL)
	}
	first, second := talk(t, proxy.Address), talk(t, proxy.Address)
	for _, c := range []*conversation{first, second} {
		if got, err := c.ask("AUTH secret"); got != "+OK" {
			t.Fatalf("%q %v", got, err)
		}
	}
	proxy.Refuse()
	refused(t, proxy.Address)
	if got, err := first.ask("PING"); got != "+PONG" {
		t.Errorf("one that was there is told %q: %v", got, err)
	}
	proxy.CutAll()
	for _, c := range []*conversation{first, second} {
		if got, err := c.ask("PING"); err == nil {
			t.Errorf("one whose connection is cut is told %q", got)
		}
	}
	proxy.Resume()
	third := talk(t, proxy.Address)
	if got, err := third.ask("PING"); got != "-NOAUTH Authentication required." {
		t.Errorf("a client afterwards is told %q: %v", got, err)
	}
	proxy.CutAfterBytes(3)
	if got, err := third.ask("PING"); err == nil || got != "-NO" {
		t.Errorf("of the last answer there is %q: %v", got, err)
	}
	counts := proxy.Counts()
	if counts.Connections != 3 || counts.Refused != 1 || counts.Cuts != 3 || counts.Commands < 5 {
		t.Errorf("the proxy counts %+v", counts)
	}
	s.Kill(t)
	refused(t, proxy.Address)
}

// refused holds that a new connection is broken, while it is made or just after.
func refused(t *testing.T, address string) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, time.Minute)
	if err != nil {
		if !errors.Is(err, syscall.ECONNRESET) {
			t.Error(err)
		}
		return
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 1)); n > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a connection that is to be refused gives %d bytes: %v", n, err)
	}
}

func TestRedisProxyStalls(t *testing.T) {
	t.Parallel()
	s := testenv.StartRedis(t, testenv.RedisOptions{})
	proxy := testenv.ProxyRedis(t, s.URL)
	c := talk(t, proxy.Address)
	if got, err := c.ask("SET k 0"); got != "+OK" {
		t.Fatalf("%q %v", got, err)
	}
	proxy.Stall()
	if got, err := c.within(50*time.Millisecond, "INCR k"); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a stalled client is told %q: %v", got, err)
	}
	if got := s.Do(t, "GET", "k"); got != "0" {
		t.Errorf("the server has got %v of what is held back", got)
	}
	proxy.Resume()
	if got, err := c.read(time.Minute); got != ":1" {
		t.Errorf("afterwards the client is told %q: %v", got, err)
	}
	proxy.StallAnswers()
	if got, err := c.within(50*time.Millisecond, "INCR k"); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a client whose answers are stalled is told %q: %v", got, err)
	}
	eventually(t, "the server has it all the same", func() bool { return s.Do(t, "GET", "k") == "2" })
	proxy.Resume()
	if got, err := c.read(time.Minute); got != ":2" {
		t.Errorf("afterwards the client is told %q: %v", got, err)
	}
	proxy.Stall() // does not keep the test's end from closing it
}
