// Asio by itself.
#define SUITE StandaloneAsio
#define CPPWEBSOCKET_STANDALONE_ASIO
#include "handlers/support/asio_tests.hpp"
