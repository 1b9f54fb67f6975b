package config

import (
	"regexp"
	"slices"
	"strings"
)

// redisSchemes begin the address of a Redis.
var redisSchemes = []string{"redis://", "rediss://", "redis+sentinel://", "rediss+sentinel://", "redis+cluster://", "rediss+cluster://"}

func isRedis(address string) bool {
	return slices.ContainsFunc(redisSchemes, func(scheme string) bool { return strings.HasPrefix(address, scheme) })
}

// redisPrefixes have no braces, which would move the keys to another slot.
var redisPrefixes = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)

func (c Config) checkRedisPrefix() string {
	if !redisPrefixes.MatchString(c.RedisPrefix) {
		return "a prefix has 1 to 64 letters of ASCII, digits, and characters of _ . : -"
	}
	return ""
}
