package adminapi

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"carrier/internal/deadletter"
	"carrier/internal/sleep"
)

// pollEvery is how often a redrive is asked how far it is, stopTimeout how long its stop may take.
const (
	pollEvery   = 500 * time.Millisecond
	stopTimeout = time.Minute
)

// An Ask makes a request to the admin port of the carrier that runs: in is its JSON, nil for none, and
// the answer is decoded into out, where it has one.
type Ask func(ctx context.Context, method, path string, in, out any) error

// A Remote is a route's store of the carrier that runs. It implements deadletter.Store.
type Remote struct {
	// Route is what people call the route.
	Route string
	Ask   Ask
}

var _ deadletter.Store = Remote{}

func (s Remote) path(id, action string, query url.Values) string {
	path := "/v1/dead-letters"
	if id != "" {
		path += "/" + url.PathEscape(id)
	}
	if query == nil {
		query = url.Values{}
	}
	query.Set("route", s.Route)
	return path + action + "?" + query.Encode()
}

// List asks for one page.
func (s Remote) List(ctx context.Context, after string, limit int) ([]deadletter.Letter, string, error) {
	var page Page
	query := url.Values{"limit": {strconv.Itoa(min(limit, mostLimit))}}
	if after != "" {
		query.Set("after", after)
	}
	err := s.Ask(ctx, http.MethodGet, s.path("", "", query), nil, &page)
	return page.Letters, page.Next, err
}

// Show asks for one letter with its body.
func (s Remote) Show(ctx context.Context, id string) (l deadletter.Letter, err error) {
	err = s.Ask(ctx, http.MethodGet, s.path(id, "", url.Values{"body": {"true"}}), nil, &l)
	return l, err
}

// Drop has one letter dropped.
func (s Remote) Drop(ctx context.Context, id string) error {
	return s.Ask(ctx, http.MethodPost, s.path(id, "/drop", nil), nil, nil)
}

// redrivePath is where a redrive is started, asked for and stopped.
const redrivePath = "/v1/dead-letters/redrive"

// Redrive has the carrier that runs move letters, and waits. The end of ctx stops it there.
func (s Remote) Redrive(ctx context.Context, r deadletter.Request) (deadletter.Progress, error) {
	r = r.Normal()
	order := Order{Route: s.Route, IDs: r.IDs, All: len(r.IDs) == 0, Rate: rateText(r.Rate), Dry: r.Dry}
	if err := s.Ask(ctx, http.MethodPost, redrivePath, order, nil); err != nil {
		return deadletter.Progress{}, err
	}
	told := 0
	for {
		waited := sleep.For(ctx, pollEvery, nil)
		asking := ctx
		if !waited {
			stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
			defer cancel()
			if err := s.Ask(stopping, http.MethodDelete, redrivePath, nil, nil); err != nil {
				return deadletter.Progress{}, err
			}
			asking = stopping
		}
		var state State
		if err := s.Ask(asking, http.MethodGet, redrivePath, nil, &state); err != nil {
			if ctx.Err() != nil && waited {
				continue // it is to be stopped
			}
			return deadletter.Progress{}, err
		}
		for ; told < len(state.Notes); told++ {
			r.Note(state.Notes[told])
		}
		r.Report(state.Progress)
		switch {
		case !waited:
			return state.Progress, ctx.Err()
		case !state.Running && state.Error != "":
			return state.Progress, errors.New(state.Error)
		case !state.Running:
			return state.Progress, nil
		}
	}
}

// rateText is a rate as the API reads it; empty is none.
func rateText(perSecond float64) string {
	switch {
	case perSecond <= 0:
		return ""
	case perSecond == math.Trunc(perSecond):
		return strconv.Itoa(int(perSecond)) + "/s"
	}
	return strconv.Itoa(max(int(math.Round(perSecond*3600)), 1)) + "/h"
}

// Close does nothing.
func (s Remote) Close() error { return nil }
