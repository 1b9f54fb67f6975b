package app

import "larder/internal/telemetry"

// secondaryFigures tell of every backend that is kept up from another one's feed how far it
// has come, over all strategies that have it so.
func (s *strategies) secondaryFigures() map[string][]telemetry.Figure {
	type sum struct{ lag, filling, installed, refused float64 }
	sums := make(map[string]sum)
	for _, p := range s.pairs() {
		status, all := p.follower.Status(), sums[p.secondary.name]
		if status.Known {
			all.lag = max(all.lag, status.Lag.Seconds())
		} else {
			all.filling++
		}
		all.installed += float64(status.Installed)
		all.refused += float64(status.Refused)
		sums[p.secondary.name] = all
	}
	figures := make(map[string][]telemetry.Figure, len(sums))
	for name, all := range sums {
		figures[name] = []telemetry.Figure{
			{Name: "secondary_lag_seconds", Help: "How old what the backend has as a secondary may be, by the strategy that is furthest behind.", Value: all.lag},
			{Name: "secondary_filling", Help: "Strategies of which the backend, as a secondary, has not had everything yet.", Value: all.filling},
			{Name: "secondary_installed_entries", Help: "Entries that a primary's feed has brought to the backend.", Counter: true, Value: all.installed},
			{Name: "secondary_refused_entries", Help: "Entries of a primary that the backend can't hold.", Counter: true, Value: all.refused},
		}
	}
	return figures
}
