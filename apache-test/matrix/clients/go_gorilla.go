package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/gorilla/websocket"
)

func main() {
	dialer := websocket.Dialer{EnableCompression: true}
	if len(os.Args) > 2 {
		dialer.Subprotocols = strings.Split(os.Args[2], ",")
	}
	ws, response, err := dialer.Dial(os.Args[1], nil)
	if err != nil {
		fmt.Println("refused", response.StatusCode)
		return
	}
	fmt.Println("open", or(ws.Subprotocol()))
	for {
		kind, message, err := ws.ReadMessage()
		if closed, is := err.(*websocket.CloseError); is {
			fmt.Println("closed", closed.Code)
			return
		}
		if string(message) == "close" {
			ws.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(4002, ""))
		} else if err != nil || ws.WriteMessage(kind, message) != nil {
			fmt.Println("lost", err)
			return
		}
	}
}

func or(protocol string) string {
	if protocol == "" {
		return "-"
	}
	return protocol
}
