package remote

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"larder/api"
)

// Problem is an answer that says what went wrong (RFC 9457).
type Problem struct {
	api.Problem
	RetryAfter time.Duration // what the server asks for; 0: nothing
}

// Error is one line: the code, the detail, and where in the request.
func (p *Problem) Error() string {
	text := Line(p.Problem)
	if p.Status >= 500 && p.RequestID != "" {
		text += " [request " + p.RequestID + "]"
	}
	return text
}

// Line says what is wrong in one line: the code, the detail, and where in the
// request.
func Line(p api.Problem) string {
	detail, where := cmp.Or(p.Detail, p.Title), ""
	if len(p.Errors) > 0 {
		first := p.Errors[0]
		detail = cmp.Or(p.Detail, first.Detail, p.Title)
		where = cmp.Or(first.Parameter, first.Header)
		if first.Pointer != nil {
			where = *first.Pointer
		}
	}
	text := fmt.Sprintf("%s: %s", p.Code, detail)
	if where != "" {
		text += " (" + where + ")"
	}
	if more := len(p.Errors) - 1; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(strings.Fields(text), " ")
}

// maxProblem bounds what is read of an answer that is an error.
const maxProblem = 1 << 20

func problemOf(response *http.Response) error {
	data, err := io.ReadAll(io.LimitReader(response.Body, maxProblem))
	if err != nil {
		return fmt.Errorf("status %s, and the answer broke off: %w", response.Status, err)
	}
	p := &Problem{RetryAfter: retryAfter(response.Header)}
	if json.Unmarshal(data, &p.Problem) != nil || p.Code == "" {
		p.Problem = api.Problem{
			Code: "http", Status: response.StatusCode,
			Title:     "the answer is " + response.Status + " and not from a larder",
			Retryable: response.StatusCode == http.StatusTooManyRequests || response.StatusCode >= 502 && response.StatusCode <= 504,
		}
	}
	return p
}

// retryAfter reads the header in either of its forms (RFC 9110, section 10.2.3).
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

// Unreachable is an error of the connection, not an answer.
type Unreachable struct{ Err error }

// Error is one line that says what to look at.
func (u *Unreachable) Error() string {
	address, cause := "", u.Err
	if e, ok := errors.AsType[*url.Error](u.Err); ok {
		cause = e.Err
		if parsed, err := url.Parse(e.URL); err == nil {
			address = parsed.Host
		}
	}
	if errors.Is(cause, syscall.ECONNREFUSED) {
		return fmt.Sprintf("no larder answers at %s; is `larder serve` running? (--url or LARDER_URL says where it is)", address)
	}
	if timeout, ok := errors.AsType[net.Error](cause); ok && timeout.Timeout() {
		return fmt.Sprintf("%s did not answer in time", address)
	}
	return fmt.Sprintf("can't reach %s: %v", address, cause)
}

// Unwrap gives the cause.
func (u *Unreachable) Unwrap() error { return u.Err }

func unreachable(err error) error { return &Unreachable{Err: err} }

// Retry says whether the same call may succeed later, and how long the server
// asks to wait. Only for calls that may be repeated.
func Retry(err error) (wait time.Duration, ok bool) {
	if p, is := errors.AsType[*Problem](err); is {
		return p.RetryAfter, p.Retryable || p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable
	}
	_, ok = errors.AsType[*Unreachable](err)
	return 0, ok
}
