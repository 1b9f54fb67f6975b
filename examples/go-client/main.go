// Command go-client goes through what larder can do, with the client that is
// generated from its contract: a small shop counts its stock.
//
//	go run ./examples/go-client
//
// LARDER_URL says where the larder is, if not at http://127.0.0.1:8080.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"sync"

	"larder/api"
)

func main() {
	url := cmp.Or(os.Getenv("LARDER_URL"), "http://127.0.0.1:8080")
	larder, err := api.NewClientWithResponses(url)
	if err == nil {
		err = shop{larder, log.New(os.Stdout, "", 0)}.tour(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "go-client:", err)
		os.Exit(1)
	}
}

// shop keeps its stock, its orders and its baskets in tables.
type shop struct {
	larder *api.ClientWithResponses
	out    *log.Logger
}

// item is what the shop has of something.
type item struct {
	Name  string `json:"name"`
	Left  int    `json:"left"`
	Price int    `json:"price"` // in cents
}

func (s shop) tour(ctx context.Context) error {
	for _, step := range []func(context.Context) error{s.stockUp, s.sellAtOnce, s.holdBasket, s.order, s.findScarce, s.watch} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// stockUp puts items that are not there yet.
func (s shop) stockUp(ctx context.Context) error {
	onlyNew := &api.PutKeyParams{IfNoneMatch: new("*")}
	for key, i := range map[string]item{"apple": {"Apple", 20, 50}, "pear": {"Pear", 5, 80}, "quince": {"Quince", 1, 120}} {
		value, err := json.Marshal(i)
		if err != nil {
			return err
		}
		put, err := s.larder.PutKeyWithResponse(ctx, "stock", key, onlyNew, value)
		if err != nil {
			return err
		}
		switch put.StatusCode() {
		case http.StatusCreated, http.StatusPreconditionFailed: // 412: it is there
		default:
			return problem("putting "+key, put)
		}
	}
	s.out.Print("The shop has apples, pears and quinces.")
	return nil
}

// sellAtOnce has eight customers take an apple each at the same time.
func (s shop) sellAtOnce(ctx context.Context) error {
	const customers = 8
	var shopping sync.WaitGroup
	errs := make([]error, customers)
	for i := range customers {
		shopping.Go(func() { errs[i] = s.sell(ctx, "apple") })
	}
	shopping.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	apple, _, err := s.look(ctx, "apple")
	if err != nil {
		return err
	}
	s.out.Printf("%d customers took an apple each: %d are left.", customers, apple.Left)
	return nil
}

// sell takes one away by compare and swap: whoever was overtaken looks again.
func (s shop) sell(ctx context.Context, key string) error {
	for {
		i, version, err := s.look(ctx, key)
		if err != nil {
			return err
		}
		if i.Left == 0 {
			return fmt.Errorf("no %s is left", key)
		}
		i.Left--
		value, err := json.Marshal(i)
		if err != nil {
			return err
		}
		unchanged := &api.PutKeyParams{IfMatch: new(fmt.Sprintf(`"%d"`, version))}
		put, err := s.larder.PutKeyWithResponse(ctx, "stock", key, unchanged, value)
		if err != nil {
			return err
		}
		switch put.StatusCode() {
		case http.StatusOK:
			return nil
		case http.StatusPreconditionFailed:
			continue
		}
		return problem("selling "+key, put)
	}
}

// look gives an item and its version.
func (s shop) look(ctx context.Context, key string) (item, int64, error) {
	var i item
	got, err := s.larder.GetEntryWithResponse(ctx, "stock", key, nil)
	if err != nil {
		return i, 0, err
	}
	if got.JSON200 == nil {
		return i, 0, problem("looking at "+key, got)
	}
	return i, got.JSON200.Version, json.Unmarshal(got.JSON200.Value, &i)
}

// holdBasket puts something that goes away by itself.
func (s shop) holdBasket(ctx context.Context) error {
	tenMinutes := &api.PutKeyParams{TTLSeconds: new(int64(600))}
	put, err := s.larder.PutKeyWithResponse(ctx, "baskets", "ada", tenMinutes, api.JSONValue(`["pear"]`))
	if err != nil {
		return err
	}
	if put.StatusCode() >= http.StatusMultipleChoices {
		return problem("holding a basket", put)
	}
	left, err := s.larder.GetExpiryWithResponse(ctx, "baskets", "ada")
	if err != nil {
		return err
	}
	if left.JSON200 == nil {
		return problem("looking at the basket's time", left)
	}
	s.out.Printf("Ada's basket is held for %d minutes.", (*left.JSON200.TTLSeconds+30)/60)
	return nil
}

// order moves from stock to orders: all of it happens, or nothing.
func (s shop) order(ctx context.Context) error {
	request := api.BatchRequest{Atomic: true, Operations: []api.BatchOperation{
		{Op: api.BatchOpIncrement, Table: "stock", Key: "pear", Path: "/left", Delta: api.Number("-1"), Min: api.Number("0")},
		{Op: api.BatchOpIncrement, Table: "stock", Key: "quince", Path: "/left", Delta: api.Number("-2"), Min: api.Number("0")},
		{Op: api.BatchOpPut, Table: "orders", Key: "ada", Value: json.RawMessage(`{"pear":1,"quince":2}`), IfAbsent: true},
	}}
	refused, err := s.larder.ApplyBatchWithResponse(ctx, nil, request)
	if err != nil {
		return err
	}
	if refused.ApplicationProblemJSON409 == nil {
		return problem("ordering more than there is", refused)
	}
	first := refused.ApplicationProblemJSON409.Errors[0]
	s.out.Printf("Two quinces can't be had: %s at %s.", first.Code, *first.Pointer)

	request.Operations[1].Delta = api.Number("-1")
	request.Operations[2].Value = json.RawMessage(`{"pear":1,"quince":1}`)
	done, err := s.larder.ApplyBatchWithResponse(ctx, nil, request)
	if err != nil {
		return err
	}
	if done.JSON200 == nil {
		return problem("ordering", done)
	}
	s.out.Printf("One can: %s pears and %s quinces are left.", done.JSON200.Results[0].Value, done.JSON200.Results[1].Value)
	return nil
}

// findScarce asks by what is in the values, with an index.
func (s shop) findScarce(ctx context.Context) error {
	index := api.IndexDefinition{Fields: []api.IndexField{{Path: "/left", Type: api.IndexFieldTypeNumber}}}
	made, err := s.larder.PutIndexWithResponse(ctx, "stock", "by_left", index)
	if err != nil {
		return err
	}
	if made.StatusCode() >= http.StatusMultipleChoices {
		return problem("making an index", made)
	}
	found, err := s.larder.QueryTableWithResponse(ctx, "stock", nil, api.QueryRequest{
		Filter: &api.Filter{Path: "/left", Op: api.FilterOpLt, Value: json.RawMessage("5")},
		Sort:   []api.Sort{{Path: "/left"}},
	})
	if err != nil {
		return err
	}
	if found.JSON200 == nil {
		return problem("querying", found)
	}
	s.out.Printf("Scarce, found by %s:", found.JSON200.Plan.Mode)
	for _, entry := range found.JSON200.Items {
		s.out.Printf("  %s %s", entry.Key, entry.Value)
	}
	return nil
}

// answer is what every method of the client gives.
type answer interface {
	Status() string
	GetBody() []byte
}

// problem makes an error of an answer that is none of the expected ones.
func problem(doing string, a answer) error {
	return fmt.Errorf("%s: %s: %s", doing, a.Status(), a.GetBody())
}
