package faults_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"larder/internal/store"
	"larder/internal/testenv"
)

// patience is how long a client waits for an answer.
const patience = 2 * time.Second

// instance is one larder process after another, on one place, with links of its own.
type instance struct {
	cluster    *cluster
	number     int
	options    testenv.Options
	toDatabase *testenv.PostgresProxy
	toCache    *testenv.RedisProxy
	process    *testenv.Larder // only whoever breaks things looks at it

	mu   sync.Mutex
	url  string
	life int // the how manieth process it is
}

// serve starts a process, for as long as there is a cluster.
func (i *instance) serve() {
	i.cluster.t.Helper()
	i.process = i.cluster.binary.Serve(i.cluster.t, i.options)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.url = i.process.URL
	i.life++
}

func (i *instance) at() (address string, life int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.url, i.life
}

// request is what a client asks of an entry.
type request struct {
	method     string // GET where it is empty
	table, key string
	query      string // with its question mark
	body       string
	header     map[string]string
}

// answer is what it is told.
type answer struct {
	code    store.Code // "": it was done
	exists  bool
	version int64
	body    string
	open    bool   // nobody knows whether it was done, or will be
	copied  bool   // a copy answered
	life    int    // of the process that was asked
	status  string // Cache-Status

	replication string // Larder-Replication
}

// done says whether there was an answer with no error in it.
func (a answer) done() bool { return a.code == "" }

// ask sends a request and waits for its answer, for as long as a client has patience.
func (i *instance) ask(ctx context.Context, r request) answer {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	base, life := i.at()
	if r.method == "" {
		r.method = http.MethodGet
	}
	sent, err := http.NewRequestWithContext(ctx, r.method, base+"/tables/"+r.table+"/keys/"+url.PathEscape(r.key)+r.query, strings.NewReader(r.body))
	if err != nil {
		return answer{code: store.Internal, body: err.Error(), life: life}
	}
	if r.body != "" {
		sent.Header.Set("Content-Type", "application/json")
	}
	for name, value := range r.header {
		sent.Header.Set(name, value)
	}
	resp, err := i.cluster.http.Do(sent)
	if err != nil {
		return unanswered(r, life, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return unanswered(r, life, err)
	}
	return understood(resp, string(text), life)
}

// unanswered is for an exchange that did not come to its end.
func unanswered(r request, life int, err error) answer {
	a := answer{code: store.Unavailable, body: err.Error(), life: life}
	dial, ok := errors.AsType[*net.OpError](err)
	if r.method != http.MethodGet && (!ok || dial.Op != "dial") {
		a.code, a.open = store.Ambiguous, true
	}
	return a
}

// understood is what an answer means.
func understood(resp *http.Response, text string, life int) answer {
	a := answer{body: text, life: life, status: resp.Header.Get("Cache-Status"), replication: resp.Header.Get("Larder-Replication")}
	a.copied = strings.HasPrefix(a.status, "larder; hit")
	if version := resp.Header.Get("Larder-Version"); version != "" {
		var err error
		if a.version, err = strconv.ParseInt(version, 10, 64); err != nil {
			return answer{code: store.Internal, body: "Larder-Version is " + version, life: life}
		}
	}
	if resp.StatusCode < 300 {
		a.exists = resp.StatusCode != http.StatusNoContent
		return a
	}
	var problem struct {
		Code store.Code `json:"code"`
	}
	if err := json.Unmarshal([]byte(text), &problem); err != nil || problem.Code == "" {
		return answer{code: store.Internal, body: resp.Status + ": " + text, life: life}
	}
	a.code = problem.Code
	a.open = a.code == store.Ambiguous
	if a.code == store.NotFound && resp.StatusCode == http.StatusNotFound && resp.Request.Method == http.MethodGet {
		a.code = "" // that is what a read has found
	}
	return a
}
