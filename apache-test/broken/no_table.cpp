// A shared object, but no handler: it does not export the table.
extern "C" __attribute__((visibility("default"))) int web_socket_transfer_data() { return 0; }
