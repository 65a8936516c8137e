// The module record, and where each part joins httpd. Nothing else is here.
#include "httpd/ask/question.hpp"
#include "httpd/child/child.hpp"
#include "httpd/child/handler_copies.hpp"
#include "httpd/child/start_up.hpp"
#include "httpd/configuration/config.hpp"
#include "httpd/configuration/directives.hpp"
#include "httpd/content_handler.hpp"
#include "httpd/endpoints/status.hpp"
#include "httpd/module.hpp"
#include "httpd/request/answer.hpp"
#include "httpd/request/rewriting.hpp"
#include "httpd/ways_in/client_keys.hpp"
#include "httpd/ways_in/tls.hpp"

#include <http_request.h>
#include <mpm_common.h>

namespace {

void register_hooks(apr_pool_t*) noexcept {
  using namespace cppwebsocket::httpd;
  ap_hook_pre_config(pre_config, nullptr, nullptr, APR_HOOK_FIRST);
  ap_hook_check_config(check_config, nullptr, nullptr, APR_HOOK_MIDDLE);
  ap_hook_post_config(post_config, nullptr, nullptr, APR_HOOK_MIDDLE);
  // Before mod_unixd's (APR_HOOK_FIRST), behind which a child is no longer root.
  ap_hook_drop_privileges(make_handler_copies, nullptr, nullptr, APR_HOOK_REALLY_FIRST);
  ap_hook_child_init(child_init, nullptr, nullptr, APR_HOOK_MIDDLE);
  ap_hook_child_init(find_openssl, nullptr, nullptr, APR_HOOK_MIDDLE);
  // Before mod_http2 ends its connections: see FilterConnections.
  ap_hook_child_stopping(child_stopping, nullptr, nullptr, APR_HOOK_FIRST);
  ap_hook_post_perdir_config(note_request, nullptr, nullptr, APR_HOOK_LAST);
  // Content handlers run when all of httpd's checks are done, so that these govern WebSockets,
  // too. Before mod_proxy's (APR_HOOK_FIRST): beside a ProxyPass for /, handlers have their
  // paths. Behind the core's (APR_HOOK_REALLY_FIRST), which upgrades to other protocols.
  ap_hook_handler(answer_request, nullptr, nullptr, APR_HOOK_FIRST - 1);
  ap_hook_handler(answer_plain_request, nullptr, nullptr, APR_HOOK_LAST);
  register_questions();
  register_answer();
  register_tls();
  register_client_keys();
  register_status();
}

}  // namespace

extern "C" {

module cppwebsocket_module = {
    STANDARD20_MODULE_STUFF,
    cppwebsocket::httpd::create_directory_config,
    cppwebsocket::httpd::merge_directory_config,
    cppwebsocket::httpd::create_server_config,
    cppwebsocket::httpd::merge_server_config,
    cppwebsocket::httpd::directives(),
    register_hooks,
    AP_MODULE_FLAG_NONE,
};
}
