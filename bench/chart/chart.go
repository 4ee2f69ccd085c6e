// Package chart draws the report's plots: bars and lines, as SVG, with no more than the
// report needs.
package chart

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A Series is one colour of a chart: a value for each of the chart's labels. NaN leaves
// a gap.
type Series struct {
	Name   string
	Values []float64
}

// A Chart is values by label.
type Chart struct {
	Title  string
	Unit   string // of the values
	Labels []string
	Series []Series
}

const (
	width, height = 720, 360
	left, right   = 70, 20
	top, bottom   = 50, 70
	plotWidth     = width - left - right
	plotHeight    = height - top - bottom
	steps         = 5
)

func colour(i int) string {
	return []string{"#1f5fa8", "#d9822b", "#5a9e4b", "#8a4f9e", "#777777"}[i%5]
}

// Bars draws a group of bars for each label.
func (c Chart) Bars() string {
	var b strings.Builder
	scale := c.frame(&b)
	group := float64(plotWidth) / float64(max(len(c.Labels), 1))
	bar := group * 0.8 / float64(max(len(c.Series), 1))
	for i, s := range c.Series {
		for j, v := range s.Values {
			if math.IsNaN(v) {
				continue
			}
			x := left + group*(float64(j)+0.1) + bar*float64(i)
			h := v / scale * plotHeight
			fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`+"\n",
				x, top+plotHeight-h, bar*0.95, h, colour(i))
			fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" text-anchor="middle" font-size="10">%s</text>`+"\n",
				x+bar/2, top+plotHeight-h-3, number(v))
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// Lines draws a line for each series, the labels evenly apart.
func (c Chart) Lines() string {
	var b strings.Builder
	scale := c.frame(&b)
	group := float64(plotWidth) / float64(max(len(c.Labels), 1))
	for i, s := range c.Series {
		var points []string
		for j, v := range s.Values {
			if math.IsNaN(v) {
				continue
			}
			x, y := left+group*(float64(j)+0.5), top+plotHeight-v/scale*plotHeight
			points = append(points, fmt.Sprintf("%.1f,%.1f", x, y))
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x, y, colour(i))
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(points, " "), colour(i))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// frame draws all but the values, and returns the value at the upper edge.
func (c Chart) frame(b *strings.Builder) float64 {
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n",
		width, height, width, height)
	fmt.Fprintf(b, `<rect width="%d" height="%d" fill="white"/>`+"\n", width, height)
	fmt.Fprintf(b, `<text x="%d" y="20" font-size="14" font-weight="bold">%s</text>`+"\n", left, Escape(c.Title))
	fmt.Fprintf(b, `<text x="%d" y="38" fill="#555">%s</text>`+"\n", left, Escape(c.Unit))
	scale := roundUp(c.greatest())
	for i := range steps + 1 {
		v := scale * float64(i) / steps
		y := top + plotHeight - plotHeight*float64(i)/steps
		fmt.Fprintf(b, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#ddd"/>`+"\n", left, y, width-right, y)
		fmt.Fprintf(b, `<text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n", left-6, y+4, number(v))
	}
	group := float64(plotWidth) / float64(max(len(c.Labels), 1))
	for j, label := range c.Labels {
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", left+group*(float64(j)+0.5), top+plotHeight+18, Escape(label))
	}
	x := left
	for i, s := range c.Series {
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="12" height="12" fill="%s"/>`+"\n", x, height-26, colour(i))
		fmt.Fprintf(b, `<text x="%d" y="%d">%s</text>`+"\n", x+17, height-16, Escape(s.Name))
		x += 40 + 7*len(s.Name)
	}
	return scale
}

func (c Chart) greatest() float64 {
	most := 0.0
	for _, s := range c.Series {
		for _, v := range s.Values {
			if v > most {
				most = v
			}
		}
	}
	return most
}

// roundUp returns the next of 1, 2, 2.5, 5 times a power of ten.
func roundUp(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 2, 2.5, 5} {
		if v <= step*power {
			return step * power
		}
	}
	return 10 * power
}

func number(v float64) string {
	switch {
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'g', 3, 64) + "M"
	case v >= 1e4:
		return strconv.FormatFloat(v/1e3, 'g', 3, 64) + "k"
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// Escape makes s safe as text in XML, and drops what XML cannot hold.
func Escape(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == '\uFFFD' || r == '\uFFFE' || r == '\uFFFF' {
			return -1
		}
		return r
	}, s)
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;").Replace(s)
}
