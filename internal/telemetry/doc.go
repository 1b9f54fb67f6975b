// Package telemetry is what larder tells its operator: logs, metrics, and the
// figures behind /stats.
//
//	log := telemetry.NewLogger(telemetry.LogOptions{Out: os.Stderr})
//	registry := telemetry.NewRegistry(buildinfo.Read())
//	requests := telemetry.NewRequests()
//	registry.MustRegister(requests)
//
//	getKey := requests.Operation("getKey") // once
//	getKey.Observe(200, took, 0, 312)      // for each request
//
// Metrics are labelled by operation, status code and backend, never by key.
package telemetry
