#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char* message;
static size_t size;
static int is_binary, waiting, done;
static char chosen[64] = "-";

static int on_event(struct lws* ws, enum lws_callback_reasons why, void* user, void* in, size_t length) {
  switch (why) {
    case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
      if (lws_hdr_total_length(ws, WSI_TOKEN_PROTOCOL)) lws_hdr_copy(ws, chosen, sizeof chosen, WSI_TOKEN_PROTOCOL);
      break;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
      printf("open %s\n", chosen);
      break;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
      puts("refused -");
      done = 1;
      break;
    case LWS_CALLBACK_CLIENT_RECEIVE:
      if (lws_is_first_fragment(ws)) size = 0;
      message = realloc(message, LWS_PRE + size + length + 1);
      memcpy(message + LWS_PRE + size, in, length);
      size += length;
      if (!lws_is_final_fragment(ws)) break;
      is_binary = lws_frame_is_binary(ws);
      if (size == 5 && !memcmp(message + LWS_PRE, "close", 5)) {
        lws_close_reason(ws, 4002, NULL, 0);
        puts("closed -");
        return -1;
      }
      waiting = 1;
      lws_callback_on_writable(ws);
      break;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
      if (waiting)
        lws_write(ws, (unsigned char*)message + LWS_PRE, size, is_binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT);
      waiting = 0;
      break;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
      printf("closed %d\n", length < 2 ? 1005 : ((unsigned char*)in)[0] << 8 | ((unsigned char*)in)[1]);
      break;
    case LWS_CALLBACK_CLIENT_CLOSED:
      done = 1;
      break;
    default:
      break;
  }
  return 0;
}

static const struct lws_protocols protocols[] = {
    {"none", on_event, 0, 65536}, {"one", on_event, 0, 65536}, {"two", on_event, 0, 65536}, {0}};

int main(int argc, char** argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  lws_set_log_level(LLL_ERR, NULL);
  struct lws_context_creation_info info = {0};
  info.port = CONTEXT_PORT_NO_LISTEN;
  info.protocols = protocols;
  info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
  info.client_ssl_ca_filepath = getenv("CA");
  struct lws_context* context = lws_create_context(&info);
  struct lws_client_connect_info to = {0};
  const char *scheme, *path;
  char target[300];
  if (lws_parse_uri(argv[1], &scheme, &to.address, &to.port, &path)) return 1;
  snprintf(target, sizeof target, "/%s", path);
  to.path = target;
  to.host = to.address;
  to.context = context;
  to.ssl_connection = strcmp(scheme, "wss") ? 0 : LCCSCF_USE_SSL;
  to.protocol = argc > 2 ? argv[2] : NULL;
  to.local_protocol_name = argc > 2 ? NULL : "none";
  lws_client_connect_via_info(&to);
  while (!done && lws_service(context, 0) >= 0) {}
}
