package testenv

import (
	"errors"
	"math/rand/v2"
	"net"
)

// quietPort picks a port of 127.0.0.1 that nobody listens on; by the time a
// server does, somebody else may. It is below those that Linux gives to
// outgoing connections: a client that tries again and again while a server is
// down would at some time be given the server's port, and be connected to
// itself.
func quietPort() (int, error) {
	const first, last = 16384, 32767
	for range 1000 {
		port := first + rand.IntN(last-first+1)
		l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("there is no free port on 127.0.0.1")
}
