% Without http_stream, http_open says that it speaks HTTP/1.0.
:- use_module(library(http/http_stream)).
:- use_module(library(http/websocket)).
:- use_module(library(http/http_ssl_plugin)).
:- use_module(library(ssl)).
:- initialization(main, main).

main([Url|More]) :-
    set_stream(user_output, buffer(line)),
    (   More = [Names] -> atomic_list_concat(Protocols, ',', Names), Offers = [subprotocols(Protocols)] ; Offers = [] ),
    catch(( http_open_websocket(Url, WS, [cert_verify_hook(cert_accept_any)|Offers]),
            (   ws_property(WS, subprotocol(Chosen)), Chosen \== null -> true ; Chosen = '-' ),
            format("open ~w~n", [Chosen]),
            talk(WS)
          ), Error, ( print_message(error, Error), format("refused -~n") )).

talk(WS) :-
    ws_receive(WS, Message),
    (   Message.opcode == close
    ->  ( get_dict(code, Message, Code) -> true ; Code = '-' ),
        format("closed ~w~n", [Code]),
        ws_close(WS, 1000, "")
    ;   Message.data == "close"
    ->  ws_close(WS, 4002, ""),
        format("closed -~n")
    ;   ws_send(WS, Message),
        talk(WS)
    ).
