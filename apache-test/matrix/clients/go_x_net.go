package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/net/websocket"
)

// As it comes, so that a text stays a text.
type message struct {
	kind  byte
	bytes []byte
}

var codec = websocket.Codec{
	Marshal: func(v interface{}) ([]byte, byte, error) { m := v.(message); return m.bytes, m.kind, nil },
	Unmarshal: func(bytes []byte, kind byte, v interface{}) error {
		*v.(*message) = message{kind, bytes}
		return nil
	},
}

func main() {
	config, _ := websocket.NewConfig(os.Args[1], strings.Replace(os.Args[1], "ws", "http", 1))
	config.Origin.Path, config.Origin.RawQuery = "", ""
	if len(os.Args) > 2 {
		config.Protocol = strings.Split(os.Args[2], ",")
	}
	ws, err := websocket.DialConfig(config)
	if err != nil {
		fmt.Println("refused -")
		return
	}
	if len(os.Args) > 2 {
		fmt.Println("open", config.Protocol[0])
	} else {
		fmt.Println("open -")
	}
	for {
		var m message
		if err := codec.Receive(ws, &m); err != nil {
			if err == io.EOF {
				fmt.Println("closed -")
			}
			return
		}
		if string(m.bytes) == "close" {
			ws.Close()
			fmt.Println("closed -")
			return
		}
		codec.Send(ws, m)
	}
}
