package testenv

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// AwaitNoSessions waits until nobody else is connected to a database, as when a
// client that was killed has left sessions that are still at work.
func AwaitNoSessions(t testing.TB, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		var others int
		err := conn.QueryRow(ctx, "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()").Scan(&others)
		if err != nil {
			t.Fatalf("%d sessions are still there: %v", others, err)
		}
		if others == 0 {
			return
		}
		<-tick.C
	}
}
