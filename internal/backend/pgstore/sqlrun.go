package pgstore

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"larder/internal/store"
)

// maxSQLAtOnce bounds how many statements of callers run at a time, each on a
// connection of its own.
const maxSQLAtOnce = 4

// sqlCancelTimeout bounds the end of a connection that a statement was run on.
const sqlCancelTimeout = 2 * time.Second

var _ store.SQLRunner = (*Store)(nil)

// sqlRunner is what statements of callers are run with.
type sqlRunner struct {
	config *pgconn.Config
	slots  chan struct{}
}

// newSQLRunner reads whom statements are run as. It connects to nobody.
func (s *Store) newSQLRunner() (*sqlRunner, error) {
	cfg, err := pgconn.ParseConfig(cmp.Or(s.options.SQLURL, s.options.URL))
	if err != nil {
		return nil, s.fail(store.InvalidOperation, "LARDER_POSTGRES_SQL_URL is not a URL of PostgreSQL, such as postgres://reader@host:5432/database", hideURL(err))
	}
	cfg.ConnectTimeout = s.options.ConnectTimeout
	cfg.RuntimeParams["application_name"] = "larder sql"
	// One row may be as large as a whole answer, plus what the protocol adds.
	cfg.MaxProtocolMessageBodyLen = store.MaxSQLAnswerBytes + 64<<10
	if s.options.SQLURL == "" {
		s.options.Logger.Warn().Msg("callers' SQL runs with all rights of the gateway's own role; LARDER_POSTGRES_SQL_URL can name another")
	}
	return &sqlRunner{config: cfg, slots: make(chan struct{}, maxSQLAtOnce)}, nil
}

// RunSQL implements [store.SQLRunner]. The grants of the role are the wall: the
// transaction's being read-only is a courtesy, which a function can get around.
// So that nothing of a statement outlives it, no session is used twice.
func (s *Store) RunSQL(ctx context.Context, q store.SQLQuery) (store.SQLAnswer, error) {
	r := s.sqlRunner
	if r == nil {
		return store.SQLAnswer{}, s.fail(store.Unsupported, "statements of callers are not allowed here", nil)
	}
	if err := q.Validate(); err != nil {
		return store.SQLAnswer{}, err
	}
	if err := checkSQLCommand(q.Text); err != nil {
		return store.SQLAnswer{}, err
	}
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	default:
		return store.SQLAnswer{}, s.fail(store.Unavailable, strconv.Itoa(maxSQLAtOnce)+" statements run already, which is the limit", nil)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.lifetime, cancel)()

	session, err := s.openSQLSession(ctx, q)
	if err != nil {
		return store.SQLAnswer{}, err
	}
	answer, err := session.run(ctx)
	session.end(ctx)
	if err != nil {
		return store.SQLAnswer{}, err
	}
	return answer, nil
}

// sqlSession is a connection with a transaction for one statement.
type sqlSession struct {
	store *Store
	conn  *pgconn.PgConn
	query store.SQLQuery
	types *pgtype.Map // the built-in ones
	busy  bool        // the server may still be at work on the statement
}

// openSQLSession connects and begins the transaction.
func (s *Store) openSQLSession(ctx context.Context, q store.SQLQuery) (*sqlSession, error) {
	conn, err := pgconn.ConnectConfig(ctx, s.sqlRunner.config.Copy())
	if err != nil {
		if ctx.Err() != nil {
			return nil, s.ended(ctx)
		}
		return nil, s.connectError(err)
	}
	session := &sqlSession{store: s, conn: conn, query: q, types: pgtype.NewMap()}
	if err := session.begin(ctx); err != nil {
		session.end(ctx)
		return nil, err
	}
	return session, nil
}

// sqlSettings are those that the form of an answer depends on, and the
// statement's time, which ends below the request's.
const sqlSettings = `select pg_catalog.pg_backend_pid(),
	pg_catalog.set_config('statement_timeout', $1, true),
	pg_catalog.set_config('timezone', 'UTC', true),
	pg_catalog.set_config('datestyle', 'ISO', true),
	pg_catalog.set_config('intervalstyle', 'iso_8601', true),
	pg_catalog.set_config('bytea_output', 'hex', true),
	pg_catalog.set_config('extra_float_digits', '1', true),
	pg_catalog.set_config('client_encoding', 'UTF8', true)`

func (x *sqlSession) begin(ctx context.Context) error {
	begin := "begin read only"
	if x.query.Writes {
		begin = "begin"
	}
	bound := x.store.options.StatementTimeout
	if at, bounded := ctx.Deadline(); bounded {
		left := time.Until(at)
		bound = min(bound, left-margin(left))
	}
	var flight pgconn.Batch
	flight.ExecParams(begin, nil, nil, nil, nil)
	flight.ExecParams(sqlSettings, [][]byte{[]byte(millis(bound))}, nil, nil, nil)
	results, err := x.conn.ExecBatch(ctx, &flight).ReadAll()
	if err != nil {
		return x.store.sqlError(ctx, x.query, err)
	}
	// A pooler names its own number in the protocol's greeting, and lends the
	// session to others, with whatever the statement has set in it.
	if pid := string(results[len(results)-1].Rows[0][0]); pid != strconv.FormatUint(uint64(x.conn.PID()), 10) {
		return x.store.fail(store.Unsupported, "statements are not run through a connection pooler; LARDER_POSTGRES_SQL_URL has to lead to PostgreSQL itself", nil)
	}
	return nil
}

// run runs the statement, and commits where it is to write.
func (x *sqlSession) run(ctx context.Context) (store.SQLAnswer, error) {
	columns, params, err := x.prepare(ctx)
	if err != nil {
		return store.SQLAnswer{}, err
	}
	answer := sqlAnswer{columns: columns, keep: x.query.Writes}
	if err := x.execute(ctx, params, &answer); err != nil {
		return store.SQLAnswer{}, err
	}
	if x.query.Writes {
		if err := x.commit(ctx); err != nil {
			return store.SQLAnswer{}, err
		}
	}
	return answer.finish(x.query.Text), nil
}

// commit commits. Where the reply is lost nobody can say what became of it:
// the statement may have been one that leaves no trace.
func (x *sqlSession) commit(ctx context.Context) error {
	// The bound on statements lies below ctx's end, and so does COMMIT's.
	_, err := x.conn.ExecParams(ctx, "commit", nil, nil, nil, nil).Close()
	switch {
	case err == nil:
		return nil
	case broke(err):
		return x.store.unknown(sqlCause(err))
	}
	return x.store.sqlError(ctx, x.query, err)
}

// end closes the connection, which undoes what is not committed, and stops what
// the server still does for it.
func (x *sqlSession) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sqlCancelTimeout)
	defer cancel()
	log := x.store.options.Logger
	if x.busy {
		if err := x.conn.CancelRequest(ctx); err != nil {
			log.Warn().AnErr("cause", hideURL(err)).Msg("a statement could not be stopped; the server's own bound on its time ends it")
		}
	}
	if err := x.conn.Close(ctx); err != nil {
		log.Debug().AnErr("cause", hideURL(err)).Msg("a connection that ran a statement did not end well")
	}
	<-x.conn.CleanupDone()
}
