package testenv_test

import (
	"testing"

	"larder/internal/testenv"
)

func TestStandby(t *testing.T) {
	t.Parallel()
	primary := testenv.StartPostgres(t, testenv.PostgresOptions{Settings: map[string]string{"synchronous_standby_names": "second"}})
	standby := testenv.StartStandby(t, primary, "second", testenv.PostgresOptions{})
	first, second := dial(t, primary.URL("postgres")), dial(t, standby.URL("postgres"))
	execute(t, first, "create table kept (n integer)")
	execute(t, first, "insert into kept values (1)")
	standby.CatchUp(t, primary)
	const count = "select count(*) from kept"
	if n := ask[int](t, second, count); n != 1 {
		t.Errorf("the standby has %d rows, caught up", n)
	}
	if _, err := second.Exec(t.Context(), "insert into kept values (0)"); errorCode(err) != "25006" {
		t.Errorf("the standby takes a write: %v", err)
	}

	standby.PauseReplay(t)
	execute(t, first, "insert into kept values (2)")
	if n := ask[int](t, second, count); n != 1 {
		t.Errorf("the standby has %d rows, paused", n)
	}
	standby.ResumeReplay(t)
	standby.CatchUp(t, primary)
	if n := ask[int](t, second, count); n != 2 {
		t.Errorf("the standby has %d rows, caught up again", n)
	}

	// With a synchronous standby, no commit is acknowledged that it lacks.
	execute(t, first, "insert into kept values (3)")
	primary.Kill(t)
	standby.Promote(t)
	execute(t, second, "insert into kept values (4)")
	if n := ask[int](t, second, count); n != 4 {
		t.Errorf("the promoted standby has %d rows", n)
	}
}
