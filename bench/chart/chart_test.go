package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

func TestChartsAreXMLWhateverTheirTexts(t *testing.T) {
	nasty := `</text><script>"&'` + "\x00\x1b"
	c := Chart{
		Title: nasty, Unit: nasty, Labels: []string{nasty, "b", "c"},
		Series: []Series{{nasty, []float64{1, math.NaN(), 3e7}}, {"empty", nil}, {"zero", []float64{0, 0, 0}}},
	}
	for name, svg := range map[string]string{"bars": c.Bars(), "lines": c.Lines(), "nothing": Chart{}.Bars(), "no lines": Chart{}.Lines()} {
		d := xml.NewDecoder(strings.NewReader(svg))
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v\n%s", name, err, svg)
			}
			if start, ok := token.(xml.StartElement); ok && start.Name.Local == "script" {
				t.Errorf("%s: a text became an element", name)
			}
		}
		if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("%s: a gap was drawn", name)
		}
	}
}

func TestHighestBarFitsUnderTheScale(t *testing.T) {
	for v, want := range map[float64]float64{0: 1, 1: 1, 1.1: 2, 2.2: 2.5, 4: 5, 6: 10, 140: 200, 101704: 200000, 0.3: 0.5} {
		if got := roundUp(v); math.Abs(got-want) > 1e-9*want {
			t.Errorf("%v: scale to %v, want %v", v, got, want)
		}
	}
}

func TestTextsAreEscaped(t *testing.T) {
	if got := Escape(`a<b>&"c'` + "\x01"); got != "a&lt;b&gt;&amp;&quot;c&#39;" {
		t.Errorf("got %q", got)
	}
}
