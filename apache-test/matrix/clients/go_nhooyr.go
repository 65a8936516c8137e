package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"nhooyr.io/websocket"
)

func main() {
	ctx := context.Background()
	options := &websocket.DialOptions{CompressionMode: websocket.CompressionContextTakeover}
	if len(os.Args) > 2 {
		options.Subprotocols = strings.Split(os.Args[2], ",")
	}
	ws, response, err := websocket.Dial(ctx, os.Args[1], options)
	if err != nil {
		fmt.Println("refused", response.StatusCode)
		return
	}
	ws.SetReadLimit(1 << 21)
	protocol := ws.Subprotocol()
	if protocol == "" {
		protocol = "-"
	}
	fmt.Println("open", protocol)
	for {
		kind, message, err := ws.Read(ctx)
		if err != nil {
			fmt.Println("closed", int(websocket.CloseStatus(err)))
			return
		}
		if string(message) == "close" {
			ws.Close(4002, "")
			fmt.Println("closed 4002") // what came back is not told
			return
		}
		ws.Write(ctx, kind, message)
	}
}
