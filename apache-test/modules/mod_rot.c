/* A connection filter that mod_cppwebsocket has never heard of: it changes every byte, and keeps
 * some to itself. RotConnections On in the <VirtualHost> of an address of its own. */
#include <httpd.h>
#include <http_config.h>
#include <http_connection.h>
#include <http_core.h>
#include <http_log.h>
#include <util_filter.h>

module AP_MODULE_DECLARE_DATA rot_module;

#define KEY 0x5a
#define READ_AT_ONCE 8000 /* bytes taken from below */
#define GIVEN_AT_ONCE 1021 /* bytes given above: the rest stays here, where no poll sees it */
#define HELD 4093 /* bytes of output that wait for more, or for a flush */

typedef struct {
  apr_bucket_brigade *kept; /* input that was read and not given */
} rot_in;

typedef struct {
  char held[HELD];
  apr_size_t size;
} rot_out;

static apr_status_t read_more(ap_filter_t *f, rot_in *in, apr_read_type_e block) {
  apr_bucket_brigade *raw = apr_brigade_create(f->c->pool, f->c->bucket_alloc);
  apr_status_t rv = ap_get_brigade(f->next, raw, AP_MODE_READBYTES, block, READ_AT_ONCE);
  while (rv == APR_SUCCESS && !APR_BRIGADE_EMPTY(raw)) {
    apr_bucket *b = APR_BRIGADE_FIRST(raw);
    const char *bytes = NULL;
    apr_size_t size = 0, i;
    char *changed;
    if (APR_BUCKET_IS_METADATA(b)) {
      APR_BUCKET_REMOVE(b);
      APR_BRIGADE_INSERT_TAIL(in->kept, b);
      continue;
    }
    rv = apr_bucket_read(b, &bytes, &size, block);
    if (rv != APR_SUCCESS) break;
    changed = apr_bucket_alloc(size + 1, f->c->bucket_alloc);
    for (i = 0; i < size; ++i) changed[i] = bytes[i] ^ KEY;
    APR_BRIGADE_INSERT_TAIL(in->kept, apr_bucket_heap_create(changed, size, apr_bucket_free,
                                                             f->c->bucket_alloc));
    apr_bucket_delete(b);
  }
  apr_brigade_destroy(raw);
  return rv;
}

static apr_status_t rot_input(ap_filter_t *f, apr_bucket_brigade *bb, ap_input_mode_t mode,
                              apr_read_type_e block, apr_off_t wanted) {
  rot_in *in = f->ctx;
  apr_bucket *end, *b;
  if (mode != AP_MODE_READBYTES && mode != AP_MODE_GETLINE && mode != AP_MODE_SPECULATIVE)
    return ap_get_brigade(f->next, bb, mode, block, wanted);
  if (APR_BRIGADE_EMPTY(in->kept)) {
    apr_status_t rv = read_more(f, in, block);
    if (rv != APR_SUCCESS) return rv;
    if (APR_BRIGADE_EMPTY(in->kept)) return block == APR_BLOCK_READ ? APR_EOF : APR_EAGAIN;
  }
  if (mode == AP_MODE_GETLINE)
    return apr_brigade_split_line(bb, in->kept, block, HUGE_STRING_LEN);
  if (wanted > GIVEN_AT_ONCE) wanted = GIVEN_AT_ONCE;
  apr_brigade_partition(in->kept, wanted, &end);
  for (b = APR_BRIGADE_FIRST(in->kept); b != end;) {
    apr_bucket *next = APR_BUCKET_NEXT(b), *given = b;
    if (mode == AP_MODE_SPECULATIVE)
      apr_bucket_copy(b, &given);
    else
      APR_BUCKET_REMOVE(b);
    APR_BRIGADE_INSERT_TAIL(bb, given);
    b = next;
  }
  return APR_SUCCESS;
}

static void release(rot_out *out, apr_bucket_brigade *to) {
  if (out->size != 0)
    APR_BRIGADE_INSERT_TAIL(to, apr_bucket_heap_create(out->held, out->size, NULL,
                                                       to->bucket_alloc));
  out->size = 0;
}

static apr_status_t rot_output(ap_filter_t *f, apr_bucket_brigade *bb) {
  rot_out *out = f->ctx;
  apr_bucket_brigade *done = apr_brigade_create(f->c->pool, f->c->bucket_alloc);
  apr_status_t rv = APR_SUCCESS;
  while (!APR_BRIGADE_EMPTY(bb)) {
    apr_bucket *b = APR_BRIGADE_FIRST(bb);
    const char *bytes;
    apr_size_t size, i;
    if (APR_BUCKET_IS_METADATA(b)) {
      release(out, done);
      APR_BUCKET_REMOVE(b);
      APR_BRIGADE_INSERT_TAIL(done, b);
      continue;
    }
    rv = apr_bucket_read(b, &bytes, &size, APR_BLOCK_READ);
    if (rv != APR_SUCCESS) return rv;
    for (i = 0; i < size; ++i) {
      out->held[out->size++] = bytes[i] ^ KEY;
      if (out->size == HELD) release(out, done);
    }
    apr_bucket_delete(b);
  }
  if (!APR_BRIGADE_EMPTY(done)) rv = ap_pass_brigade(f->next, done);
  apr_brigade_destroy(done);
  return rv;
}

static void *create_config(apr_pool_t *pool, server_rec *s) { return apr_pcalloc(pool, sizeof(int)); }

static int pre_connection(conn_rec *c, void *csd) {
  rot_in *in;
  if (c->master || !*(int *)ap_get_module_config(c->base_server->module_config, &rot_module))
    return DECLINED;
  in = apr_pcalloc(c->pool, sizeof(*in));
  in->kept = apr_brigade_create(c->pool, c->bucket_alloc);
  ap_add_input_filter("ROT_IN", in, NULL, c);
  ap_add_output_filter("ROT_OUT", apr_pcalloc(c->pool, sizeof(rot_out)), NULL, c);
  return OK;
}

static const char *set_on(cmd_parms *cmd, void *unused, int on) {
  *(int *)ap_get_module_config(cmd->server->module_config, &rot_module) = on;
  return NULL;
}

static const command_rec commands[] = {
    AP_INIT_FLAG("RotConnections", set_on, NULL, RSRC_CONF, "change the bytes of connections"),
    {NULL}};

static void register_hooks(apr_pool_t *pool) {
  ap_hook_pre_connection(pre_connection, NULL, NULL, APR_HOOK_MIDDLE);
  ap_register_input_filter("ROT_IN", rot_input, NULL, AP_FTYPE_CONNECTION + 1);
  ap_register_output_filter("ROT_OUT", rot_output, NULL, AP_FTYPE_CONNECTION + 1);
}

AP_DECLARE_MODULE(rot) = {STANDARD20_MODULE_STUFF, NULL, NULL, create_config, NULL, commands,
                          register_hooks};
