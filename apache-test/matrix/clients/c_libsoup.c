#include <libsoup/soup.h>
#include <string.h>

static GMainLoop* loop;

static void on_message(SoupWebsocketConnection* ws, gint type, GBytes* bytes, gpointer unused) {
  gsize size;
  const char* data = g_bytes_get_data(bytes, &size);
  if (size == 5 && !memcmp(data, "close", 5))
    soup_websocket_connection_close(ws, 4002, NULL);
  else
    soup_websocket_connection_send_message(ws, type, bytes);
}

static void on_closed(SoupWebsocketConnection* ws, gpointer unused) {
  g_print("closed %d\n", soup_websocket_connection_get_close_code(ws));
  g_main_loop_quit(loop);
}

static gboolean trust(SoupMessage* message, GTlsCertificate* certificate, GTlsCertificateFlags errors, gpointer unused) {
  return TRUE;
}

static void on_answer(GObject* session, GAsyncResult* result, gpointer message) {
  SoupWebsocketConnection* ws = soup_session_websocket_connect_finish(SOUP_SESSION(session), result, NULL);
  if (!ws) {
    g_print("refused %d\n", soup_message_get_status(message));
    return g_main_loop_quit(loop);
  }
  const char* protocol = soup_websocket_connection_get_protocol(ws);
  g_print("open %s\n", protocol ? protocol : "-");
  soup_websocket_connection_set_max_incoming_payload_size(ws, 1 << 21);
  g_signal_connect(ws, "message", G_CALLBACK(on_message), NULL);
  g_signal_connect(ws, "closed", G_CALLBACK(on_closed), NULL);
}

int main(int argc, char** argv) {
  loop = g_main_loop_new(NULL, FALSE);
  SoupMessage* message = soup_message_new("GET", argv[1]);
  g_signal_connect(message, "accept-certificate", G_CALLBACK(trust), NULL);
  char** protocols = argc > 2 ? g_strsplit(argv[2], ",", -1) : NULL;
  SoupSession* session = soup_session_new();
  soup_session_add_feature_by_type(session, SOUP_TYPE_WEBSOCKET_EXTENSION_MANAGER);
  soup_session_websocket_connect_async(session, message, NULL, protocols, G_PRIORITY_DEFAULT, NULL, on_answer,
                                       message);
  g_main_loop_run(loop);
}
