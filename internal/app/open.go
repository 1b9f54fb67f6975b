package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/rs/zerolog"

	"larder/internal/backend"
	"larder/internal/config"
	"larder/internal/store"
)

// primaryName is the primary's name where only its URL is configured.
const primaryName = "primary"

// openPrimary opens the store that LARDER_PRIMARY names.
func openPrimary(ctx context.Context, cfg config.Config, log zerolog.Logger) (store.Store, error) {
	log = log.With().Str("backend", primaryName).Logger()
	opened, err := backend.Open(ctx, cfg.Primary, backend.Options{
		Name: primaryName,
		Limits: store.Limits{
			MaxValueBytes: int(cfg.MaxValueBytes),
			MaxDepth:      cfg.MaxDepth,
			ScanBudget:    cfg.ScanBudget,
		},
		Retention: store.Retention{
			Tombstones: cfg.TombstoneRetention,
			Interval:   cfg.ReapInterval,
		},
		Logger: &log,
	})
	if err == nil {
		return opened, nil
	}
	wrong, ok := errors.AsType[*store.Error](err)
	switch {
	case !ok || wrong.Detail == "":
		return nil, fmt.Errorf("LARDER_PRIMARY: %w", err)
	case wrong.Code.Fault() == store.CallersFault:
		return nil, &config.Error{Problems: []config.Problem{{Setting: "LARDER_PRIMARY", Detail: wrong.Detail}}}
	default:
		log.Debug().Err(err).Msg("can't open the primary")
		return nil, fmt.Errorf("LARDER_PRIMARY: %s", wrong.Detail)
	}
}
