package redisstore

import "testing"

// TestWeakestCounts holds that of several servers the one decides that loses most.
func TestWeakestCounts(t *testing.T) {
	of := func(aof, fsync, save string) server {
		return server{map[string]string{"aof_enabled": aof}, map[string]string{"appendfsync": fsync, "save": save}}
	}
	always, everysec, never := of("1", "always", ""), of("1", "everysec", ""), of("1", "no", "")
	saving, nothing, unknown := of("0", "always", "3600 1"), of("0", "always", ""), server{info: map[string]string{"aof_enabled": "1"}}
	for _, c := range []struct {
		of   survey
		want keeping
	}{
		{survey{always}, synced},
		{survey{always, always}, synced},
		{survey{always, everysec}, everySecond},
		{survey{never, everysec, always}, unsynced},
		{survey{unknown, never}, perhapsSynced},
		{survey{saving, unknown}, snapshots},
		{survey{always, saving, nothing}, unsaved},
	} {
		got, differ := c.of.weakest()
		if got != c.want || differ != (len(c.of) > 1 && c.of.any(func(v *server) bool { return v.keeps() != c.want })) {
			t.Errorf("%v: got %d, %v, want %d", c.of, got, differ, c.want)
		}
	}
}
