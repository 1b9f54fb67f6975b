package router_test

import (
	"strings"
	"testing"

	"larder/internal/router"
)

func TestParseRoutes(t *testing.T) {
	t.Parallel()
	members := []string{"pg", "hot", "local"}
	for text, want := range map[string]string{
		"*=cache-aside(pg,hot); sessions=primary-only(hot)": "*=cache-aside(pg,hot); sessions=primary-only(hot)",
		" * = primary-only( pg ) ;; a_*=primary-only(pg);":  "*=primary-only(pg); a_*=primary-only(pg)",
	} {
		routes, err := router.ParseRoutes(text)
		if err == nil {
			err = routes.Validate(members)
		}
		if err != nil || routes.String() != want {
			t.Errorf("%q is %q, %v", text, routes, err)
		}
	}
	for text, want := range map[string]string{
		"":                                        "there is no route for all other tables, such as *=primary-only(pg)",
		"users=primary-only(pg)":                  "there is no route for all other tables",
		"*":                                       `"*" is not a route, such as *=primary-only(pg)`,
		"*=primary-only":                          "is not a route",
		"*=primary-only(pg) x":                    "is not a route",
		"*=primary-only(pg,hot)":                  "primary-only takes one member",
		"*=cache-aside(pg)":                       "cache-aside takes 2 members, the first of them the primary",
		"*=cache-aside(pg,pg)":                    `"pg" is named twice`,
		"*=cache-aside(pg,cold)":                  `"cold" in *=cache-aside(pg,cold) is no backend; there are pg, hot, local`,
		"*=write-behind(pg)":                      `there is no strategy "write-behind"; there are primary-only, cache-aside, multi-write, fastest-read`,
		"*=primary-only()":                        `"" in *=primary-only() is no backend`,
		"*=primary-only(pg);*=primary-only(hot)":  `there are two routes for "*"`,
		"*=primary-only(pg);_x=primary-only(pg)":  "system tables",
		"*=primary-only(pg);_*=primary-only(pg)":  "system tables",
		"*=primary-only(pg);a*b=primary-only(pg)": "is no pattern",
		"*=primary-only(pg);-a=primary-only(pg)":  "is no pattern",
	} {
		routes, err := router.ParseRoutes(text)
		if err == nil {
			err = routes.Validate(members)
		}
		if err == nil || !strings.Contains(err.Error(), want) || router.AsWrong(err) == nil {
			t.Errorf("%q gave %v, want %q", text, err, want)
		}
	}
}

func TestAmong(t *testing.T) {
	t.Parallel()
	routes, err := router.ParseRoutes("*=cache-aside(pg,hot); s*=primary-only(hot); ses*=primary-only(pg); users=multi-write(pg,local); uploads=primary-only(local)")
	if err != nil {
		t.Fatal(err)
	}
	for pattern, want := range map[string]string{
		"*":      "* ses* users",
		"u*":     "users *",
		"users":  "users",
		"user":   "*",
		"s":      "",
		"sess*":  "ses*",
		"ses":    "ses*",
		"up*":    "*",
		"upload": "*",
	} {
		var got []string
		for _, r := range routes.Among(pattern, "pg") {
			got = append(got, r.Pattern)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("of %s pg is the primary by %q, want %q", pattern, got, want)
		}
	}
}
