package message

import (
	"errors"
	"strings"
	"testing"
)

func TestPathThatCouldClimbIsRefused(t *testing.T) {
	for _, path := range []string{
		"/..", "/../x", "/a/../b", "/a/..", "..", "/%2e%2e/x", "/%2E%2e/x", "/.%2e/x", "/%2e./x",
		"/..%2fx", "/x/..%2F../y", `/..\x`, "/..%5cx", "/%5c..%5cx", "/a%5C..", "/..;/x", "/..;a=b/x", "/%2e%2e;/x", "/..%3b/x",
		"/..%00/x", "/a%00", "/%2500", "/..%20/x", "/..%09/x", "/..%0a/x", "/..%0d%0a/x", "/%20../x", "/..%7f/x", "/..%23/x", "/..%3f/x",
		"/%252e%252e/x", "/%25%32%65%25%32%65/x", "/a%252eb", "/%25252e", "/..%252fx", "/%2525252e%2525252e/x", "/..%255cx",
		"/%c0%ae%c0%ae/x", "/%e0%80%ae%e0%80%ae/x", "/..%c0%afx", "/..%c1%9cx", "/%ef%bc%8e%ef%bc%8e/x", "/%e2%80%a5/x", "/..%ef%bc%8fx",
		"/%u002e%u002e/x", "/%U002E./x", "/%uff0e%uff0e/x", "/..%u2215x/%2e%2e",
		"/" + strings.Repeat("%25", 10) + strings.Repeat("25", 10),
	} {
		if CheckPath(path) == nil {
			t.Errorf("%s is let pass", path)
		}
	}
}

func TestPathThatStaysIsLetPass(t *testing.T) {
	for _, path := range []string{
		"", "/", "/a/b", "/./x", "/%2e/x", "/.../x", "/..a/x", "/a../x", "/a..b", "/....//x", "//evil/x", "/@x", "/a%2Fb", "/100%25", "/%", "/%zz",
		"/%E4%BD%A0", "/\u00e4", "/%C0%A0x", "/a%20b;c=..", "/%25", "/a%2525b", "/%u00e4", "/x%5cy",
	} {
		if err := CheckPath(path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// A path of the longest head is looked at in a time that does not grow with its layers.
func TestManyLayersOfEscapesAreNotFollowed(t *testing.T) {
	path := "/%" + strings.Repeat("25", 1<<14) + "41"
	if err := CheckPath(path); !errors.Is(err, errEscapes) {
		t.Errorf("CheckPath = %v, want %v", err, errEscapes)
	}
}

func FuzzCheckPath(f *testing.F) {
	for _, seed := range []string{"/a", "/%2e%2e/x", "/%252e", `/..\x`, "/%c0%ae%c0%ae", "/%u002e."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if CheckPath(path) != nil {
			return
		}
		if climbs(path) || climbs(unescape(path)) || climbs(unescape(unescape(path))) || strings.Contains(unescape(path), "\x00") {
			t.Errorf("%q is let pass", path)
		}
	})
}
