package redisstore

import (
	_ "embed"
	"strconv"

	"github.com/redis/rueidis"
)

//go:embed lua/record.lua
var luaRecord string

//go:embed lua/orders.lua
var luaOrders string

//go:embed lua/write.lua
var luaWrite string

//go:embed lua/commit.lua
var luaCommit string

//go:embed lua/unique.lua
var luaUnique string

//go:embed lua/define.lua
var luaDefine string

//go:embed lua/build.lua
var luaBuild string

//go:embed lua/search.lua
var luaSearch string

//go:embed lua/changed.lua
var luaChanged string

//go:embed lua/count.lua
var luaCount string

//go:embed lua/load.lua
var luaLoad string

//go:embed lua/scan.lua
var luaScan string

//go:embed lua/feed.lua
var luaFeed string

//go:embed lua/meta.lua
var luaMeta string

//go:embed lua/catalog.lua
var luaCatalog string

//go:embed lua/tables.lua
var luaTables string

//go:embed lua/rights.lua
var luaRights string

//go:embed lua/keep.lua
var luaKeep string

//go:embed lua/due.lua
var luaDue string

// What a script may do, which the server looks at before it begins: one that
// writes is refused as a whole where memory is full, on a replica, and the like
// (Redis's manual, Script flags).
const (
	luaWrites = "#!lua\n"
	luaFrees  = "#!lua flags=allow-oom\n" // it makes things smaller, and may so where memory is full
	luaReads  = "#!lua flags=no-writes\n"
)

// scripts are all that the store runs on the server.
type scripts struct {
	write, remove, commit, bury *rueidis.Lua
	load, catalog, tables, due  *rueidis.Lua
	scan                        *rueidis.Lua
	define, drop, build         *rueidis.Lua
	search, changed, count      *rueidis.Lua
	feed, advance               *rueidis.Lua
	meta, rights                *rueidis.Lua
	keep                        *rueidis.Lua
}

func newScripts() scripts {
	reading := func(body string) *rueidis.Lua { return rueidis.NewLuaScriptReadOnly(luaReads + luaRecord + body) }
	return scripts{
		write:  rueidis.NewLuaScript(luaWrites + luaRecord + luaOrders + luaWrite),
		remove: rueidis.NewLuaScript(luaFrees + luaRecord + luaOrders + luaWrite),
		commit: rueidis.NewLuaScript(luaWrites + luaRecord + luaOrders + luaUnique + luaCommit),
		bury:   rueidis.NewLuaScript(luaFrees + luaRecord + luaOrders + luaUnique + luaCommit),

		define: rueidis.NewLuaScript(luaWrites + luaRecord + luaDefine),
		drop:   rueidis.NewLuaScript(luaFrees + luaRecord + luaDefine),
		build:  rueidis.NewLuaScript(luaWrites + luaRecord + luaUnique + luaBuild),

		search:  reading(luaSearch),
		changed: reading(luaChanged),
		count:   reading(luaCount),

		load:    reading(luaLoad),
		catalog: reading(luaCatalog),
		tables:  reading(luaTables),
		due:     reading(luaDue),
		scan:    reading(luaScan),
		feed:    reading(luaFeed),
		advance: rueidis.NewLuaScript(luaWrites + luaRecord + luaFeed),

		keep: rueidis.NewLuaScript(luaWrites + luaRecord + luaKeep),

		meta:   rueidis.NewLuaScript(luaFrees + luaMeta),
		rights: rueidis.NewLuaScriptReadOnly(luaReads + luaRights),
	}
}

// clock is the time that a script is given: "" for the server's own.
func (s *Store) clock() string {
	if s.options.Now == nil {
		return ""
	}
	return strconv.FormatInt(micros(s.options.Now()), 10)
}
