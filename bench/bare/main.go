// Command bare is what larder is measured against: the least that a server
// can do for the same request. GET answers bytes and an ETag from a map; PUT
// makes each request a db.Update of its own, durable as larder's.
//
//	bare -file /tmp/bare.db
//
// It listens on a free port of 127.0.0.1, prints its address as the first line
// of its output, and serves until it is killed.
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"

	"github.com/go-chi/chi/v5"
	"go.etcd.io/bbolt"
)

func main() {
	file := flag.String("file", "", "the bbolt file that PUT writes")
	flag.Parse()
	if err := serve(*file); err != nil {
		fmt.Fprintln(os.Stderr, "bare:", err)
		os.Exit(1)
	}
}

var bucket = []byte("entries")

func serve(file string) error {
	db, err := bbolt.Open(file, 0o600, nil)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(bucket)
		return err
	})
	if err != nil {
		return err
	}
	s := &server{db: db, entries: map[string]entry{}}
	r := chi.NewRouter()
	r.Get("/tables/{table}/keys/{key}", s.get)
	r.Put("/tables/{table}/keys/{key}", s.put)
	r.Post("/fill/{key}", s.fill)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	return http.Serve(listener, r)
}

type entry struct {
	tag  string
	data []byte
}

type server struct {
	db      *bbolt.DB
	entries map[string]entry // filled before it is measured, then only read
}

func (s *server) fill(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.entries[chi.URLParam(r, "key")] = entry{tag: `"1"`, data: data}
}

func (s *server) get(w http.ResponseWriter, r *http.Request) {
	e, ok := s.entries[chi.URLParam(r, "key")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(e.data)))
	h.Set("ETag", e.tag)
	if _, err := w.Write(e.data); err != nil {
		return
	}
}

func (s *server) put(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	key := []byte(chi.URLParam(r, "key"))
	err = s.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucket).Put(key, data) })
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
