package backend

import (
	"context"
	"strings"

	"larder/internal/backend/pgstore"
	"larder/internal/store"
)

// OpenSchema opens the schema of the backend that a URL names, for looking
// after it by hand. A backend that has none is Unsupported.
func OpenSchema(ctx context.Context, url string, o Options) (*pgstore.Schema, error) {
	scheme, _, _ := strings.Cut(url, "://")
	if !isPostgres(scheme) {
		return nil, &store.Error{
			Code: store.Unsupported, Backend: o.Name, Field: "url",
			Detail: "only a PostgreSQL database has a schema to migrate; other stores need no such thing",
		}
	}
	return pgstore.OpenSchema(ctx, o.postgres(url))
}
