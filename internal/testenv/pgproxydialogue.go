package testenv

import (
	"regexp"
	"strings"
	"sync"
)

// dialogue follows what is said on a connection, so as to know a commit when it
// comes: as a simple query or as a prepared statement, alone or behind others
// with one Sync for all, or as the end of an implicit transaction.
type dialogue struct {
	mu       sync.Mutex
	prepared map[string]string // text by statement
	portals  map[string]string // text by portal

	block      bool     // within a transaction block, once all that was said is done
	wrote      bool     // in a transaction that has no block, since the last Sync
	statements []string // of the transaction

	asked, ready int // how often the server was, and said to be, ready for more
	muffledAt    int // the reply that is not to be passed on ends there; 0: none
}

func newDialogue() *dialogue {
	return &dialogue{
		prepared: make(map[string]string), portals: make(map[string]string),
		asked: 1, // by opening the session
	}
}

// said takes in what the client says. It says whether this ends a transaction
// by committing it.
func (d *dialogue) said(m message) (Commit, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch m.kind() {
	case 'P': // Parse: statement, text
		d.prepared[m.text(0)] = m.text(1)
	case 'B': // Bind: portal, statement
		d.portals[m.text(0)] = d.prepared[m.text(1)]
	case 'E': // Execute: portal
		if d.do(d.portals[m.text(0)]) {
			return d.end(false), true
		}
	case 'Q': // Query: text
		d.asked++
		return d.query(m.text(0))
	case 'S': // Sync
		d.asked++
		if d.wrote && !d.block {
			return d.end(true), true
		}
		d.wrote = false
		if !d.block {
			d.statements = nil
		}
	}
	return Commit{}, false
}

// query takes in a simple query: statements with semicolons between them. One
// within a literal would be taken for such, which does not matter here.
func (d *dialogue) query(text string) (Commit, bool) {
	commits := false
	for statement := range strings.SplitSeq(text, ";") {
		commits = d.do(statement) || commits
	}
	if implicit := d.wrote && !d.block; commits || implicit {
		return d.end(!commits), true
	}
	d.wrote = false
	if !d.block {
		d.statements = nil
	}
	return Commit{}, false
}

var firstWord = regexp.MustCompile(`^[a-z]+`)

var writes = regexp.MustCompile(`\b(insert|update|delete|merge|truncate|create|alter|drop|copy)\b`)

// do takes in a statement and says whether it commits a block.
func (d *dialogue) do(text string) bool {
	text = strings.ToLower(strings.TrimSpace(text))
	if text != "" {
		d.statements = append(d.statements, text)
	}
	switch firstWord.FindString(text) {
	case "begin", "start":
		d.block = true
	case "commit", "end":
		commits := d.block
		d.block = false
		return commits
	case "rollback", "abort":
		if !strings.Contains(text, " to ") { // a savepoint
			d.block, d.wrote = false, false
		}
	default:
		d.wrote = d.wrote || writes.MatchString(text)
	}
	return false
}

func (d *dialogue) end(implicit bool) Commit {
	c := Commit{Implicit: implicit, Statements: d.statements}
	d.wrote, d.statements = false, nil
	return c
}

// muffle has the reply to the commit, which the client has just said with m,
// not passed on.
func (d *dialogue) muffle(m message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.muffledAt = d.asked
	if m.kind() == 'E' { // its Sync is still to come
		d.muffledAt++
	}
}

// answered takes in what the server says, and says whether this is where the
// reply to a commit is to be cut off: the commit is done, and the client does
// not know.
func (d *dialogue) answered(m message) (cut bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	muffled := d.muffledAt > 0 && d.ready == d.muffledAt-1
	switch m.kind() {
	case 'C': // CommandComplete: tag
		if muffled && m.text(0) == "ROLLBACK" { // of a transaction that had failed
			d.muffledAt = 0
		}
		return muffled && m.text(0) == "COMMIT"
	case 'E': // ErrorResponse: nothing is committed
		if muffled {
			d.muffledAt = 0
		}
	case 'Z': // ReadyForQuery: status
		d.ready++
		if d.ready == d.asked {
			d.block = len(m) > 5 && m[5] != 'I'
		}
		return muffled && d.muffledAt > 0
	}
	return false
}
