// SPDX-License-Identifier: Apache-2.0

// What Go's encoding/json says of many documents: oracle DOCUMENTS VALUES [N [SEED]]
//
// DOCUMENTS gets them, each with its length (four bytes, little end first) before it; VALUES a line for each: `-` when it is
// no JSON, else its values as tests/oracle/values.c prints them. Where the scanner is meant to differ, the line says what the
// scanner must say:
//
//   - bytes that are not UTF-8 are no JSON to it; Go takes U+FFFD for them
//   - values deeper than it reads are only passed over: `deep`
//
// A key that comes twice is printed twice: the scanner leaves it to the decode tables, which refuse it, and Go to its maps,
// where the last one counts.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	readable = 64 // MV_SCAN_DEPTH
	longest  = 4096
)

var handmade = []string{
	"", " ", "\x00", "null", " null ", "nul", "nulll", "null null", "true", "false", "True", "NaN", "Infinity", "-Infinity", "undefined",
	"0", "-0", "00", "01", "-01", "1.", ".5", "1.5", "1.e3", "1e", "1e+", "1e+5", "1E-5", "1e5.5", "+1", "--1", "-", "0x10", "1_000",
	"18446744073709551616", "-9223372036854775809", "1e400", "1e-400", "123456789012345678901234567890.0",
	`""`, `"a"`, `"`, `"a`, `'a'`, `"\"`, `"\a"`, `"\u12"`, `"\u12g4"`, `"\u0000"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ude00"`,
	`"\ud83dx"`, `"\ud83d\u0041"`, `"\ud83d\ud83d\ude00"`, `"\U0041"`, `"\x41"`, "\"\t\"", "\"\n\"", "\"\x7f\"", "\"\x1f\"", "\"\x00\"",
	"\"\u2028\"", "\"\u00e9\"", "\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"",
	"{}", "[]", "[,]", "[1,]", "[1,,2]", "[1 2]", "[1", "[", "]", "{", "}", "[}", "{]", "{,}", `{"a"}`, `{"a":}`, `{"a":1,}`, `{a:1}`,
	`{"a":1 "b":2}`, `{"a":1,"a":2}`, `{"a":1,"b":{"a":1,"a":2}}`, `{1:2}`, `{"a":1}}`, `[1]]`, `{"a":1}x`, `{"":""}`, `{"\u0061":1,"a":2}`,
	"[1]//", "/* */1", "#1", "\ufeff1", "\v1", "\f1", "\u00a01", "\r\n\t 1\r\n\t ", "[\n1\n,\n2\n]\n",
	strings.Repeat("[", 64) + strings.Repeat("]", 64), strings.Repeat("[", 65) + strings.Repeat("]", 65),
	strings.Repeat("[", 10000) + strings.Repeat("]", 10000), strings.Repeat("[", 10001) + strings.Repeat("]", 10001),
	strings.Repeat(`{"a":`, 63) + "1" + strings.Repeat("}", 63), strings.Repeat("[", 100),
}

// --- documents -------------------------------------------------------------------------------------------------------

type maker struct {
	*rand.Rand
	out bytes.Buffer
}

func (m *maker) pick(texts ...string) { m.out.WriteString(texts[m.Intn(len(texts))]) }

func (m *maker) space() {
	for m.Intn(6) == 0 {
		m.pick(" ", "\n", "\t", "\r")
	}
}

func (m *maker) text() {
	m.out.WriteByte('"')
	for n := m.Intn(24); n > 0; n-- {
		switch m.Intn(16) {
		case 0:
			m.pick(`\"`, `\\`, `\/`, `\b`, `\f`, `\n`, `\r`, `\t`)
		case 1:
			fmt.Fprintf(&m.out, `\u%04x`, m.Intn(0x10000))
		case 2:
			fmt.Fprintf(&m.out, `\u%04X\u%04X`, 0xd800+m.Intn(0x800), 0xdc00+m.Intn(0x400))
		case 3:
			m.out.WriteRune(rune(m.Intn(0x110000)))
		default:
			if c := byte(' ' + m.Intn(95)); c != '"' && c != '\\' {
				m.out.WriteByte(c)
			}
		}
	}
	m.out.WriteByte('"')
}

func (m *maker) number() {
	m.pick("", "", "-")
	m.pick("0", strconv.Itoa(1+m.Intn(9)), strconv.FormatUint(m.Uint64(), 10))
	if m.Intn(3) == 0 {
		fmt.Fprintf(&m.out, ".%d", m.Intn(100000))
	}
	if m.Intn(4) == 0 {
		m.pick("e", "E")
		m.pick("", "+", "-")
		fmt.Fprint(&m.out, m.Intn(400))
	}
}

func (m *maker) value(depth int) {
	m.space()
	kind := m.Intn(8)
	if depth == 0 || m.out.Len() > longest {
		kind = m.Intn(5)
	}
	switch kind {
	case 0:
		m.pick("null", "true", "false")
	case 1, 2:
		m.number()
	case 3, 4:
		m.text()
	case 5, 6:
		m.out.WriteByte('{')
		for n, i := m.Intn(6), 0; i < n; i++ {
			if i > 0 {
				m.out.WriteByte(',')
			}
			m.space()
			m.text()
			m.space()
			m.out.WriteByte(':')
			m.value(depth - 1)
		}
		m.space()
		m.out.WriteByte('}')
	default:
		m.out.WriteByte('[')
		for n, i := m.Intn(6), 0; i < n; i++ {
			if i > 0 {
				m.out.WriteByte(',')
			}
			m.value(depth - 1)
		}
		m.space()
		m.out.WriteByte(']')
	}
	m.space()
}

// A document that was right, with a fault or a few; some stay right.
func (m *maker) spoil(document []byte) []byte {
	const interesting = "{}[]:,\"\\'0123456789.eE+-truefalsn \n\t\x00\x01\x1f\x7f\x80\xc0\xed\xff"
	spoilt := append([]byte{}, document...)
	for n := 1 + m.Intn(3); n > 0 && len(spoilt) > 0; n-- {
		at := m.Intn(len(spoilt))
		switch m.Intn(4) {
		case 0:
			spoilt = append(spoilt[:at], spoilt[at+1:]...)
		case 1:
			spoilt[at] = interesting[m.Intn(len(interesting))]
		case 2:
			spoilt = append(spoilt[:at+1], spoilt[at:]...)
		default:
			spoilt = spoilt[:at]
		}
	}
	return spoilt
}

// --- values ----------------------------------------------------------------------------------------------------------

func print(out *strings.Builder, value any) {
	switch v := value.(type) {
	case nil:
		out.WriteByte('n')
	case bool:
		fmt.Fprint(out, map[bool]string{true: "t", false: "f"}[v])
	case json.Number:
		out.WriteString("d" + string(v) + ";")
	case string:
		out.WriteString("s" + hex.EncodeToString([]byte(v)) + ";")
	case json.Delim:
		out.WriteString(v.String())
	}
}

func valuesOf(document []byte) string {
	if !json.Valid(document) || !utf8.Valid(document) {
		return "-"
	}
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	var out strings.Builder
	for depth, deepest := 0, 0; ; {
		token, err := decoder.Token()
		if err == io.EOF {
			if deepest > readable {
				return "deep"
			}
			return out.String()
		}
		if err != nil {
			return "error " + err.Error()
		}
		if delim, ok := token.(json.Delim); ok {
			if delim == '{' || delim == '[' {
				depth++
			} else {
				depth--
			}
			deepest = max(deepest, depth)
		}
		print(&out, token)
	}
}

func create(name string) (*bufio.Writer, func()) {
	file, err := os.Create(name)
	if err != nil {
		panic(err)
	}
	writer := bufio.NewWriter(file)
	return writer, func() {
		if writer.Flush() != nil || file.Close() != nil {
			panic("cannot write " + name)
		}
	}
}

func main() {
	n, seed := 200000, 1
	if len(os.Args) > 3 {
		n, _ = strconv.Atoi(os.Args[3])
	}
	if len(os.Args) > 4 {
		seed, _ = strconv.Atoi(os.Args[4])
	}
	documents, closeDocuments := create(os.Args[1])
	values, closeValues := create(os.Args[2])
	put := func(document []byte) {
		binary.Write(documents, binary.LittleEndian, uint32(len(document)))
		documents.Write(document)
		fmt.Fprintln(values, valuesOf(document))
	}
	for _, document := range handmade {
		put([]byte(document))
	}
	m := maker{Rand: rand.New(rand.NewSource(int64(seed)))}
	for i := len(handmade); i < n; i += 2 {
		m.out.Reset()
		m.value(m.Intn(8))
		put(m.out.Bytes())
		put(m.spoil(m.out.Bytes()))
	}
	closeDocuments()
	closeValues()
}
